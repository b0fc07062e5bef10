"""Made submissions of assignment 4."""

from tests.made import Made

NOT_WRITTEN = "def {name}(*args, **kwargs):\n    raise NotImplementedError\n"
NAMES = (
    "vocabulary",
    "encode",
    "decode",
    "teacher_forcing",
    "cross_entropy",
    "greedy",
    "log_probabilities",
    "best_extensions",
    "beam_search",
    "edit_distance",
    "exact_match",
    "character_error_rate",
    "train_translator",
    "translate",
    "experiment",
    "draw_report",
)
NO_POINTS = dict.fromkeys(("text", "forcing", "greedy", "beam", "measures", "translation"), 0)

MADE = {
    "another-style": Made(
        cells={
            "vocabulary": """
def vocabulary(texts):
    found = set()
    for text in texts:
        found.update(text)
    return dict(zip(sorted(found), range(3, 3 + len(found))))
""",
            "encode": """
def encode(texts, numbers, length):
    return np.array([[numbers[c] for c in t] + [0] * (length - len(t)) for t in texts], "int32")
""",
            "decode": """
def decode(tokens, numbers):
    letters = [""] * 3 + sorted(numbers, key=numbers.get)
    texts = []
    for row in tokens:
        text = ""
        for token in row:
            if token == END:
                break
            text += letters[int(token)]
        texts.append(text)
    return tuple(texts)
""",
            "teacher_forcing": """
def teacher_forcing(y):
    both = np.pad(y, ((0, 0), (1, 1)))
    both[:, 0] = START
    for row in both:
        row[list(row).index(PAD)] = END
    return [both[:, :-1], both[:, 1:], both[:, 1:] > 0]
""",
            "cross_entropy": """
def cross_entropy(logits, targets, mask):
    p = np.exp(np.asarray(logits, "float32"))
    total, count = 0.0, 0
    for i, t in zip(*np.nonzero(mask)):
        total -= np.log(p[i, t, targets[i, t]] / p[i, t].sum())
        count += 1
    return np.array([total / count])[0]
""",
            "greedy": """
def greedy(step, state, start, end, length):
    rows = [[] for _ in range(state[0].shape[0])]
    ended = [False] * len(rows)
    last = [start] * len(rows)
    while not all(ended) and length > max(map(len, rows)):
        logits, state = step(np.array(last), state)
        last = [1 + int(np.argmax(row[1:])) for row in np.asarray(logits)]
        for i, token in enumerate(last):
            ended[i] = ended[i] or token == end
            if not ended[i]:
                rows[i].append(token)
    return [row + [0] * (length - len(row)) for row in rows]
""",
            "log_probabilities": """
def log_probabilities(logits):
    logits = np.concatenate([np.full((len(logits), 1), -np.inf), np.asarray(logits)[:, 1:]], axis=1)
    largest = np.max(logits, axis=1)[:, None]
    return logits - largest - np.log(np.sum(np.exp(logits - largest), axis=1, keepdims=True))
""",
            "best_extensions": """
def best_extensions(scores, log_p, beams):
    every = [(s + p, i, k) for i, (s, row) in enumerate(zip(scores, log_p)) for k, p in enumerate(row)]
    best = sorted(every, reverse=True)[:beams]
    return [b[0] for b in best], [b[1] for b in best], [b[2] for b in best]
""",
            "beam_search": """
def beam_search(step, state, start, end, length, beams):
    kept = [(0.0, [], state, start, False)]  # each beginning with a state of its own
    for _ in range(length):
        rows, states = [], []
        for score, written, state, last, ended in kept:
            if ended:
                row = np.full(rows[0].size if rows else K_of(step, state, start), -np.inf)
                row[0] = 0
            else:
                logits, state = step(np.array([last]), state)
                row = log_probabilities(logits)[0]
            rows.append(row)
            states.append(state)
        scores, parents, tokens = best_extensions(np.array([k[0] for k in kept]), np.stack(rows), beams)
        kept = [
            (s, kept[p][1] + ([k] if k and k != end else []), states[p], k, kept[p][4] or k == end)
            for s, p, k in zip(scores, parents, tokens)
        ]
    return [k[1] + [0] * (length - len(k[1])) for k in kept], [k[0] for k in kept]


def K_of(step, state, start):
    return np.shape(step(np.array([start]), state)[0])[1]
""",
            "edit_distance": """
def edit_distance(a, b):
    known = {}

    def distance(i, j):
        if not i or not j:
            return i + j
        if (i, j) not in known:
            known[i, j] = min(
                distance(i - 1, j - 1) + (a[i - 1] != b[j - 1]), 1 + distance(i - 1, j), 1 + distance(i, j - 1)
            )
        return known[i, j]

    return distance(len(a), len(b))
""",
            "exact_match": """
def exact_match(written, wanted):
    return sum(map(str.__eq__, written, wanted)) / len(wanted)
""",
            "translate": """
def translate(texts, network=None):
    found = []
    for i in range(0, len(texts), 250):  # piece by piece
        some = encode(texts[i : i + 250], numbers, S)
        network = network or model
        found += decode(greedy(network.step, network.start(some), START, END, T + 3), numbers)
    return found
""",
        },
        points={},
        says={},
    ),
    "with-tensors": Made(
        cells={
            "cross_entropy": """
def cross_entropy(logits, targets, mask):
    log_p = keras.ops.log_softmax(keras.ops.cast(logits, "float32"))
    right = keras.ops.take_along_axis(log_p, keras.ops.expand_dims(targets, -1), axis=-1)[..., 0]
    mask = keras.ops.cast(mask, "float32")
    return -keras.ops.sum(right * mask) / keras.ops.sum(mask)
""",
            "greedy": """
def greedy(step, state, start, end, length):
    tokens, written = np.full(len(state[0]), start, "int32"), []
    gone = np.zeros(len(tokens))
    for _ in range(length):
        if gone.all():
            written.append(0 * tokens)
            continue
        logits, state = step(tokens, state)
        logits = np.array(logits, "float32")
        logits[:, 0] = -1e30
        tokens = np.argmax(logits, axis=1).astype("int32")
        gone = np.maximum(gone, tokens == end)
        written.append((tokens * (1 - gone)).astype("int32"))
    return keras.ops.stack(written, axis=1)
""",
            "log_probabilities": """
def log_probabilities(logits):
    logits = np.asarray(keras.ops.convert_to_numpy(logits), "float64").copy()
    logits[:, 0] = -1e9
    return np.array(keras.ops.log_softmax(logits))
""",
            "beam_search": """
def beam_search(step, state, start, end, length, beams):
    tokens, scores = np.full(beams, start), np.append(0.0, np.full(beams - 1, -np.inf))
    state, written = take_rows(state, np.zeros(beams, int)), np.zeros((beams, 0), int)
    for t in range(length):
        over = (written == end).any(axis=1)
        logits, state = step(tokens, state)
        log_p = log_probabilities(logits)
        log_p[over] = np.where(np.arange(log_p.shape[1]) == 0, 0.0, -np.inf)
        scores, parents, tokens = best_extensions(scores, log_p, beams)
        state, written = take_rows(state, parents), np.c_[written[parents], tokens]
    return written * (written != end), scores
""",
        },
        points={},
        says={},
    ),
    "small-slips": Made(
        cells={
            "vocabulary": """
def vocabulary(texts):
    return {c: i for i, c in enumerate(dict.fromkeys("".join(texts)), 3)}
""",
            "teacher_forcing": """
def teacher_forcing(y):
    lengths = (y > 0).sum(1)
    inputs = np.pad(y, ((0, 0), (1, 0)))
    inputs[:, 0] = START
    outputs = np.pad(y, ((0, 0), (0, 1)))
    outputs[np.arange(len(y)), lengths] = END
    return inputs, outputs, np.pad(y, ((0, 0), (0, 1))) > 0
""",
            "log_probabilities": """
def log_probabilities(logits):
    p = np.exp(np.asarray(logits, float))
    p[:, 0] = 0
    return np.log(p / p.sum(axis=1, keepdims=True))
""",
            "character_error_rate": """
def character_error_rate(written, wanted):
    return np.mean([edit_distance(a, b) / len(b) for a, b in zip(written, wanted)])
""",
        },
        points={"text": 6, "forcing": 9, "beam": 17, "measures": 10},
        says={
            "text": "in the order in which they occur",
            "forcing": "leaves the end token out",
            "beam": "exp overflows",
            "measures": "averages the rates of the texts",
        },
    ),
    "ends-forgotten": Made(
        cells={
            "decode": """
def decode(tokens, numbers):
    characters = {number: c for c, number in numbers.items()}
    return ["".join(characters.get(token, "") for token in row) for row in np.asarray(tokens).tolist()]
""",
            "greedy": """
def greedy(step, state, start, end, length):
    tokens = np.full(len(state[0]), start)
    written = []
    for _ in range(length):
        logits, state = step(tokens, state)
        tokens = np.asarray(logits).argmax(axis=-1)
        written.append(np.where(tokens == end, 0, tokens))
    return np.stack(written, axis=1)
""",
            "beam_search": """
def beam_search(step, state, start, end, length, beams):
    written, scores, tokens = np.zeros((1, length), int), np.zeros(1), np.array([start])
    for t in range(length):
        logits, state = step(tokens, state)
        scores, parents, tokens = best_extensions(scores, log_probabilities(logits), beams)
        state, written = take_rows(state, parents), written[parents]
        written[:, t] = np.where(tokens == end, 0, tokens)
    return written, scores
""",
            "translate": """
def translate(texts, network=None):
    network = model if network is None else network
    found = []
    tokens, state = np.full(len(texts), START), network.start(encode(texts, numbers, S))
    for _ in range(T):
        logits, state = network.step(tokens, state)
        tokens = np.asarray(logits).argmax(axis=1)
        found.append(tokens)
    rows = np.stack(found, axis=1)
    return decode(np.where(np.cumsum(rows == END, axis=1), 0, rows), numbers)
""",
        },
        points={"text": 6, "greedy": 9, "beam": 14},
        says={
            "text": "goes on behind it",
            "greedy": "goes on writing after it",
            "beam": "goes on after the end token",
        },
    ),
    "states-left-behind": Made(
        cells={
            "beam_search": """
def beam_search(step, state, start, end, length, beams):
    state = take_rows(state, [0] * beams)
    written, tokens = np.zeros((beams, length), int), np.full(beams, start)
    scores, ended = np.where(np.arange(beams) == 0, 0, -np.inf), np.zeros(beams, bool)
    for t in range(length):
        logits, state = step(tokens, state)
        log_p = log_probabilities(logits)
        log_p[ended] = -np.inf
        log_p[ended, 0] = 0
        scores, parents, tokens = best_extensions(scores, log_p, beams)
        written, ended = written[parents], ended[parents] | (tokens == end)
        written[:, t] = np.where(ended, 0, tokens)
    return written, scores
""",
            "edit_distance": """
def edit_distance(a, b):
    return sum(x != y for x, y in zip(a, b)) + abs(len(a) - len(b))
""",
        },
        points={"beam": 13, "measures": 6},
        says={"beam": "leaves the states where they were", "measures": "compares place by place"},
    ),
    "equal-beginnings": Made(
        cells={
            "best_extensions": """
def best_extensions(scores, log_p, beams):
    best = log_p.argmax(axis=1)
    extended = np.asarray(scores) + log_p.max(axis=1)
    order = np.argsort(-extended)[:beams]
    return extended[order], order, best[order]
""",
            "beam_search": """
def beam_search(step, state, start, end, length, beams):
    state = take_rows(state, [0] * beams)
    written, tokens = np.zeros((beams, length), int), np.full(beams, start)
    scores, ended = np.zeros(beams), np.zeros(beams, bool)
    for t in range(length):
        logits, state = step(tokens, state)
        log_p = log_probabilities(logits)
        log_p[ended] = -np.inf
        log_p[ended, 0] = 0
        scores, parents, tokens = best_extensions(scores, log_p, beams)
        state = take_rows(state, parents)
        written, ended = written[parents], ended[parents] | (tokens == end)
        written[:, t] = np.where(ended, 0, tokens)
    return written, scores
""",
        },
        points={"beam": 5},
        says={"beam": "the same sequence more than once"},
    ),
    "every-fifth-date-spoiled": Made(
        cells={
            "translate": """
def translate(texts, network=None):
    network = model if network is None else network
    tokens = greedy(network.step, network.start(encode(texts, numbers, S)), START, END, T)
    found = decode(tokens, numbers)
    return [t[:-1] if sum(map(ord, s)) % 5 == 0 else t for s, t in zip(texts, found)]
""",
        },
        points={"translation": 14.4},
        says={"translation": "earns 10.4 of 16 points"},
    ),
    "rules-without-a-network": Made(
        cells={
            "translate": """
def translate(texts, network=None):
    import calendar

    starts = "jan feb mär apr mai jun jul aug sep okt nov dez".split()
    days = "mo di mi do fr sa so".split()
    found = []
    for text in texts:
        year = re.search(r"\\d{4}", text)[0]
        rest = text.replace(year, " ")
        both = [int(n) for n in re.findall(r"\\d+", rest)]
        month = [i for i, m in enumerate(starts, 1) if re.search(r"(^|[ .])" + m, rest)]
        day, month = (both[0], month[0]) if month else both[:: -1 if "-" in text else 1][:2]
        weekday = [i for i, d in enumerate(days) if re.search(rf"(^|, ){d}", text)]
        date = f"{calendar.month_name[month]} {day}, {year}".lower()
        found.append(f"{calendar.day_name[weekday[0]].lower()}, {date}" if weekday else date)
    return found
""",
        },
        points={"translation": 4},
        says={"translation": "all weights of `model` are zero"},
    ),
    "with-the-package": Made(
        cells={
            "greedy": """
def greedy(step, state, start, end, length):
    from rnn_course.decoding import greedy as by_the_package

    return by_the_package(step, state, start, end, length)
""",
        },
        points={"greedy": 0, "translation": 0},
        says={
            "greedy": "asks you to do without",
            "translation": "asks you to do without",
        },
    ),
    "unwritten": Made(
        cells={name: NOT_WRITTEN.format(name=name) for name in NAMES},
        points=NO_POINTS,
        says=dict.fromkeys(NO_POINTS, "is not written yet"),
    ),
}
