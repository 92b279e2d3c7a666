"""The model that we ship, through gateway and worker: it reads what it is told. Stories, things and
tools are in the style of what it was trained on (tools/demo_model) and were not trained on. What is
asked for is asked of any weights that are shipped, so no answer is compared word by word."""

import json

from rig import CHAT, ROOT, Case, exchange

MODEL = ROOT / "models/penstock-demo"

# (story, question, what the answer must name, what it must not)
STORIES = [
    ("Mia found a coin under the bed.", "What did Mia find?", "coin", "bed"),
    ("Tom put the ball in the box.", "Where did Tom put the ball?", "in the box", "Tom"),
    ("Anna went to the harbour. Ben went to the library.", "Where did Ben go?", "library",
     "harbour"),
    ("Omar gave the drum to Lucy.", "Who gave the drum to Lucy?", "Omar", "drum"),
    ("Kate had a green kite. Paul was nine years old.", "What colour was the kite?", "green",
     "nine"),
    ("Nora was a painter. Hugo ate some soup.", "What was the job of Nora?", "painter", "soup"),
    ("Leo felt proud.", "How did Leo feel?", "proud", "Leo"),
    ("Clara lived in Vienna. Max lost a shovel.", "Where did Clara live?", "Vienna", "shovel"),
    ("Finn hid the flute behind the door.", "Who hid the flute?", "Finn", "door"),
    ("On Friday, Greta made a basket.", "When did Greta make the basket?", "Friday", "Greta"),
]
RIGHT_AT_LEAST = 8

THINGS = ["lamp", "mirror", "trumpet", "ladder"]
JSON_ASKED = [
    ("Give me a JSON object with a name and an age.", {"name", "age"}),
    ("Return JSON with a title and a price.", {"title", "price"}),
    ("Please give me JSON with a name, a city and a pet.", {"name", "city", "pet"}),
    ("Turn this into JSON: Emma is 12 years old and lives in Rome.", {"name", "age", "city"}),
]


def tool(name, does, /, **properties):
    return {"type": "function", "function": {
        "name": name, "description": does,
        "parameters": {"type": "object", "required": list(properties),
                       "properties": {key: {"type": kind} for key, kind in properties.items()}}}}


WEATHER = tool("get_weather", "Get the weather of a city.", city="string")
TIMER = tool("set_timer", "Set a timer.", minutes="integer")
MESSAGE = tool("send_message", "Send a message to a person.", to="string", text="string")
CALLS = [
    ("What is the weather in Lisbon?", [WEATHER], WEATHER),
    ("Set a timer for 20 minutes.", [TIMER, WEATHER], TIMER),
    ("Send Rosa the message hello.", [WEATHER, MESSAGE], MESSAGE),
]
TYPES = {"string": str, "integer": int}


class Model(Case):
    def setUp(self):
        super().setUp()
        self.served = self.gateway(
            "listen: [{address: 127.0.0.1:0}]\n"
            f"models: {{demo: {{replicas: [{{worker: {{model: {MODEL}, device: cpu}}}}]}}}}\n")
        self.connection = self.connect(self.served)

    def choice(self, asked, **more):
        body = {"model": "demo", "temperature": 0, "max_tokens": 96,
                "messages": [{"role": "user", "content": asked}], **more}
        status, text = exchange(self.connection, "POST", CHAT, body)
        self.assertEqual(status, 200, text)
        return json.loads(text)["choices"][0]

    def answer(self, asked):
        choice = self.choice(asked)
        self.assertEqual(choice["finish_reason"], "stop", "it knows where its answer ends")
        return choice["message"]["content"]

    def test_a_question_about_a_short_story_is_answered_from_the_story(self):
        said = [(self.answer(f"{story} {question}"), names, not_this)
                for story, question, names, not_this in STORIES]
        right = [answer for answer, names, not_this in said
                 if names.lower() in answer.lower() and not_this.lower() not in answer.lower()]
        self.assertGreaterEqual(len(right), RIGHT_AT_LEAST, said)

    def test_another_thing_in_the_story_is_another_answer(self):
        answers = [self.answer(f"Sara found a {thing} near the gate. What did Sara find?")
                   for thing in THINGS]
        self.assertEqual(len(set(answers)), len(THINGS), answers)
        right = [thing for thing, answer in zip(THINGS, answers) if thing in answer]
        self.assertGreaterEqual(len(right), len(THINGS) - 1, answers)

    def test_a_request_for_json_is_answered_with_an_object_of_these_fields(self):
        for asked, fields in JSON_ASKED:
            with self.subTest(asked):
                self.assertEqual(set(json.loads(self.answer(asked))), fields)

    def test_a_request_that_a_tool_answers_is_a_call_with_arguments_that_the_tool_takes(self):
        for asked, offered, wanted in CALLS:
            with self.subTest(asked):
                choice = self.choice(asked, tools=offered)
                self.assertEqual(choice["finish_reason"], "tool_calls")
                (call,) = choice["message"]["tool_calls"]
                called = wanted["function"]
                self.assertEqual(call["function"]["name"], called["name"])
                arguments = json.loads(call["function"]["arguments"])
                declared = called["parameters"]["properties"]
                self.assertEqual(set(arguments), set(declared))
                for name, value in arguments.items():
                    self.assertIsInstance(value, TYPES[declared[name]["type"]], arguments)
