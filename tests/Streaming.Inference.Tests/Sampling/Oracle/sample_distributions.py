#!/usr/bin/env python3
"""Writes distributions.json: what the logits processors of Hugging Face transformers leave of random logits.

The functions below state the documented behaviour of the processors that a GenerationConfig selects (transformers 4 and 5,
generation/logits_process.py and the order in GenerationMixin._get_logits_processor) in plain Python with float64, and share no code
with the sampler. Two things differ from transformers on purpose: a repeated n-gram never forbids an end token, and tokens that were
evicted from the cache do not count.

    python3 tests/Streaming.Inference.Tests/Sampling/Oracle/sample_distributions.py
"""

import json
import math
import pathlib
import random

VOCABULARY = 24
NOTHING = float("-inf")


def runs(case):
    """The tokens that the cache holds, as runs of consecutive tokens: all, or the fixed part and the window."""
    stream, fixed, window = case["stream"], case["fixed"], case["window"]
    if len(stream) <= fixed + window:
        return [stream]
    return [stream[:fixed], stream[len(stream) - window :]]


def no_repeat_ngram(scores, case, size):
    last = runs(case)[-1]
    if len(last) < size - 1:
        return
    prefix = tuple(last[len(last) - size + 1 :]) if size > 1 else ()
    for run in runs(case):
        for ngram in zip(*[run[i:] for i in range(size)]):
            if ngram[:-1] == prefix and ngram[-1] not in case["end"]:
                scores[ngram[-1]] = NOTHING


def no_bad_words(scores, case, words):
    last = runs(case)[-1]
    for word in words:
        if len(word) == 1 and word[0] in case["end"]:
            continue
        if len(word) == 1 or last[-len(word) + 1 :] == word[:-1]:
            scores[word[-1]] = NOTHING


def repetition_penalty(scores, case, penalty):
    for token in {token for run in runs(case) for token in run}:
        scores[token] = scores[token] * penalty if scores[token] < 0 else scores[token] / penalty


def forbid(scores, tokens):
    for token in tokens:
        scores[token] = NOTHING


def softmax(scores):
    most = max(scores)
    weights = [math.exp(score - most) for score in scores]
    return [weight / sum(weights) for weight in weights]


def keep(scores, kept):
    return [score if token in kept else NOTHING for token, score in enumerate(scores)]


def top_k(scores, k):
    order = sorted(range(len(scores)), key=lambda token: (-scores[token], token))
    return keep(scores, set(order[:k]))


def top_p(scores, p):
    probabilities = softmax(scores)
    kept, total = set(), 0.0
    for token in sorted(range(len(scores)), key=lambda token: (-scores[token], token)):
        if total >= p:
            break
        kept.add(token)
        total += probabilities[token]
    return keep(scores, kept)


def min_p(scores, p):
    probabilities = softmax(scores)
    return keep(scores, {token for token, q in enumerate(probabilities) if q >= p * max(probabilities)})


def typical_p(scores, mass):
    probabilities = softmax(scores)
    entropy = -sum(q * math.log(q) for q in probabilities if q > 0)
    distance = [abs(-math.log(q) - entropy) if q > 0 else math.inf for q in probabilities]
    order = sorted(range(len(scores)), key=lambda token: (distance[token], token))
    below, total = 0, 0.0
    for token in order:
        total += probabilities[token]
        below += total < mass
    last = distance[order[min(below, len(order) - 1)]]
    return keep(scores, {token for token in order if distance[token] <= last})


def expected(case):
    scores, parameters = list(case["logits"]), case["parameters"]
    if "repetition_penalty" in parameters:
        repetition_penalty(scores, case, parameters["repetition_penalty"])
    if "no_repeat_ngram_size" in parameters:
        no_repeat_ngram(scores, case, parameters["no_repeat_ngram_size"])
    if "bad_words_ids" in parameters:
        no_bad_words(scores, case, parameters["bad_words_ids"])
    if case["generated"] < parameters.get("min_new_tokens", 0):
        forbid(scores, case["end"])
    forbid(scores, parameters.get("suppress_tokens", []))
    if case["generated"] == 0:
        forbid(scores, parameters.get("begin_suppress_tokens", []))
    forbidden = [token for token, score in enumerate(scores) if score == NOTHING]
    if len(forbidden) == VOCABULARY:
        return None
    scores = [score / parameters.get("temperature", 1.0) for score in scores]
    for name, warper in [("top_k", top_k), ("top_p", top_p), ("min_p", min_p), ("typical_p", typical_p)]:
        if name in parameters:
            scores = warper(scores, parameters[name])
    return {"forbidden": forbidden, "probabilities": [round(p, 9) for p in softmax(scores)]}


def main():
    random.seed(15)

    def some(most):
        return sorted(random.sample(range(VOCABULARY), random.randint(1, most)))

    choices = {
        "repetition_penalty": lambda: random.choice([0.7, 1.3, 2.0]),
        "no_repeat_ngram_size": lambda: random.choice([1, 2, 2, 2, 3, 3, 4]),
        "bad_words_ids": lambda: None,  # below: they depend on the stream
        "min_new_tokens": lambda: random.choice([1, 3, 5]),
        "suppress_tokens": lambda: some(6),
        "begin_suppress_tokens": lambda: some(6),
        "temperature": lambda: random.choice([0.5, 0.8, 1.7]),
        "top_k": lambda: random.choice([3, 8, 15]),
        "top_p": lambda: random.choice([0.4, 0.8, 0.95]),
        "min_p": lambda: random.choice([0.02, 0.1]),
        "typical_p": lambda: random.choice([0.1, 0.3, 0.5, 0.8, 0.95]),
    }
    cases = []
    while len(cases) < 240:
        fixed, window = random.choice([(0, 12), (4, 8), (4, 20), (0, 40), (6, 3), (2, 1)])
        letters = random.sample(range(VOCABULARY), random.choice([2, 3, 5, 24]))  # few letters repeat n-grams
        stream = [random.choice(letters) for _ in range(random.randint(2, 60))]
        logits = [round(random.gauss(0, 2), 3) for _ in range(VOCABULARY)]
        if random.random() < 0.3:
            logits[random.randrange(VOCABULARY)] = logits[random.randrange(VOCABULARY)]  # a tie
        case = {
            "fixed": fixed,
            "window": window,
            "stream": stream,
            "end": some(2),
            "generated": random.randint(0, 4),
            "logits": logits,
            "parameters": {name: choices[name]() for name in random.sample(sorted(choices), random.randint(1, 5))},
        }
        if "bad_words_ids" in case["parameters"]:
            words = [stream[-length:] + [random.randrange(VOCABULARY)] for length in (1, 2, 3) if len(stream) >= length + 1]
            words += [[case["end"][0]], [random.randrange(VOCABULARY)], [random.randrange(VOCABULARY), random.randrange(VOCABULARY)]]
            case["parameters"]["bad_words_ids"] = random.sample(words, random.randint(1, len(words)))
        result = expected(case)
        if result is not None:
            cases.append(case | result)
    path = pathlib.Path(__file__).with_name("distributions.json")
    path.write_text("[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]\n")


if __name__ == "__main__":
    main()
