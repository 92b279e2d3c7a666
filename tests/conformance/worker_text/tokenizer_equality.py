"""The worker's token ids against Hugging Face's `tokenizers`, on generated strings.

    PENSTOCK_TEST_DATA=… TOKENIZE_LINES=… python -m unittest worker_text.tokenizer_equality
"""

import gzip
import json
import os
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import tokenizers
from worker_text import strings

ROOT = Path(__file__).resolve().parents[3]
DRIVER = os.environ.get("TOKENIZE_LINES", ROOT / "build/release/tests/tokenize_lines")
DATA = os.environ.get("PENSTOCK_TEST_DATA")
NUM_STRINGS, SEED = 10_000, 4
SHOWN = 10  # differences


@unittest.skipUnless(DATA, "PENSTOCK_TEST_DATA is not set")
class TokenizerEquality(unittest.TestCase):
    def test_qwen2_5(self):
        self.compare("qwen2.5-0.5b-instruct")

    def test_qwen3(self):
        self.compare("qwen3-0.6b", also=strings.every_character())

    def test_r1_distill_qwen(self):
        self.compare("deepseek-r1-distill-qwen-32b")

    def compare(self, name, also=()):
        packed = Path(DATA, "tokenizers", name, "tokenizer.json.gz")
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "tokenizer.json")
            file.write_bytes(gzip.decompress(packed.read_bytes()))
            theirs = tokenizers.Tokenizer.from_file(str(file))
            added = [token.content for token in theirs.get_added_tokens_decoder().values()]
            texts = [*strings.strings(added, NUM_STRINGS, SEED), *also]
            start = time.monotonic()
            ours = self.ids_of(folder, texts)
            took = time.monotonic() - start
        wanted = theirs.encode_batch(texts, add_special_tokens=False)
        wrong = [(text, ids, want.ids)
                 for text, ids, want in zip(texts, ours, wanted, strict=True) if ids != want.ids]
        for text, ids, want in wrong[:SHOWN]:
            at = next((i for i, (a, b) in enumerate(zip(ids, want)) if a != b), -1)
            print(f"{name}: {text[:200]!r}: differ from token {at} on\n"
                  f"  ours   {ids[max(at, 0):][:12]}\n  theirs {want[max(at, 0):][:12]}")
        print(f"{name}: {len(texts) - len(wrong)} of {len(texts)} strings have the ids of "
              f"tokenizers {tokenizers.__version__} ({took:.1f} s)", flush=True)
        self.assertEqual(len(wrong), 0)

    def ids_of(self, folder, texts):
        lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
        done = subprocess.run([DRIVER, folder], input=lines, text=True, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]


if __name__ == "__main__":
    unittest.main()
