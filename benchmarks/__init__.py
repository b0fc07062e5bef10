"""The proof of speed: training steps side by side, memory against time, scan against loop. See README.md here."""
