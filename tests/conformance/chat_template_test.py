"""The worker renders chat templates as Jinja2 does, with Hugging Face's environment."""

import os
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "worker_text"))

import template_equality  # noqa: E402

RENDERER = os.environ.get("PENSTOCK_RENDERER",
                          HERE.parents[1] / "build/release/tests/render_lines")
DATA = os.environ.get("PENSTOCK_TEST_DATA")


class ChatTemplates(unittest.TestCase):
    def test_language_equals_jinja2_on_every_snippet(self):
        count = template_equality.Count()
        template_equality.compare_snippets(RENDERER, count)
        self.assertEqual(count.different, 0)
        self.assertGreater(count.equal, 150)

    @unittest.skipUnless(DATA, "PENSTOCK_TEST_DATA is not set")
    def test_prompts_equal_jinja2_on_2000_conversations_a_template(self):
        for name in template_equality.TEMPLATES:
            with self.subTest(name):
                count = template_equality.Count()
                folder = Path(DATA) / "tokenizers" / name
                template_equality.compare_template(RENDERER, folder, 2000, count)
                self.assertEqual((count.equal, count.different), (4000, 0))


if __name__ == "__main__":
    unittest.main()
