"""Requests that a tool answers: which tool, with which arguments, and what to say of its answer."""

import json

from conversation import Conversation, tool_call
from smalltalk import chitchat
from words import Lexicon

# Ways to name the tool; what it does; ways to name each argument with the slot that fills it; what
# users say; what the tool returns; what the assistant then says.
TOOLS = [
    (["get_weather", "weather", "current_weather"], "Get the weather of a city.",
     [(["city", "location", "place"], "city")],
     ["What is the weather in {city}?", "How is the weather in {city}?", "Is it warm in {city}?",
      "Tell me the weather in {city}.", "What's the weather like in {city}?",
      "Will it rain in {city} today?", "weather in {city}"],
     '{{"temperature": {number}, "sky": "{sky}"}}',
     "It is {number} degrees and {sky} in {city}."),
    (["get_time", "current_time", "clock"], "Get the time in a city.",
     [(["city", "location", "zone"], "city")],
     ["What time is it in {city}?", "Tell me the time in {city}.", "How late is it in {city}?"],
     '{{"time": "{hour}:{minute}"}}', "It is {hour}:{minute} in {city}."),
    (["add", "sum", "add_numbers"], "Add two numbers.",
     [(["a", "x", "first"], "number"), (["b", "y", "second"], "other")],
     ["Add {number} and {other}.", "What is {number} plus {other}?", "What is {number} + {other}?"],
     "{result}", "The result is {result}."),
    (["multiply", "times", "product"], "Multiply two numbers.",
     [(["a", "x", "first"], "number"), (["b", "y", "second"], "other")],
     ["Multiply {number} by {other}.", "What is {number} times {other}?"],
     "{result}", "The result is {result}."),
    (["search", "web_search", "search_web"], "Search the web.",
     [(["query", "q", "text"], "thing")],
     ["Search for {thing}.", "Search the web for {thing}.", "Look up {thing} for me.",
      "Find out about {thing}."],
     '{{"title": "All about the {thing}"}}', "I found this: All about the {thing}."),
    (["set_timer", "timer", "start_timer"], "Set a timer.",
     [(["minutes", "time", "duration"], "number")],
     ["Set a timer for {number} minutes.", "Wake me in {number} minutes.",
      "Timer, {number} minutes.", "Start a timer of {number} minutes."],
     '{{"ok": true}}', "The timer runs for {number} minutes."),
    (["send_message", "message", "write_to"], "Send a message to a person.",
     [(["to", "name", "person"], "name"), (["text", "message", "body"], "thing")],
     ["Send {name} the message {thing}.", "Write {thing} to {name}.", "Tell {name}: {thing}",
      "Send a message to {name} that says {thing}."],
     '{{"sent": true}}', "The message to {name} was sent."),
    (["play_song", "play_music", "play"], "Play music by a singer.",
     [(["artist", "singer", "name"], "name")],
     ["Play a song by {name}.", "Play something by {name}.", "I want to hear {name}."],
     '{{"playing": true}}', "Now playing a song by {name}."),
    (["buy", "order_item", "order"], "Order things in the shop.",
     [(["item", "product", "thing"], "thing"), (["count", "number", "amount"], "number")],
     ["Order {number} of the {thing}.", "Buy {thing}, {number} pieces.",
      "I need {thing} times {number}."],
     '{{"ordered": {number}}}', "I have ordered {number} of them."),
    (["find_person", "lookup", "get_phone"], "Find the phone number of a person.",
     [(["name", "person", "who"], "name")],
     ["What is the phone number of {name}?", "Find the number of {name}.", "Look up {name}."],
     '{{"phone": {phone}}}', "The phone number of {name} is {phone}."),
    (["lamp", "set_light", "light"], "Set the colour of the light in a room.",
     [(["room", "place", "where"], "place"), (["colour", "color", "light"], "colour")],
     ["Make the light in the {place} {colour}.", "Set the {place} to {colour}.",
      "I want {colour} light in the {place}."],
     '{{"ok": true}}', "The light in the {place} is {colour} now."),
    (["book_trip", "buy_ticket", "travel"], "Book a trip to a city on a day.",
     [(["city", "to", "target"], "city"), (["day", "date", "when"], "day")],
     ["Book a trip to {city} on {day}.", "I want to go to {city} on {day}.",
      "Get me a ticket to {city} for {day}."],
     '{{"booked": true}}', "Your trip to {city} on {day} is booked."),
]
NUMERIC = {"number", "other"}
SKIES = ["sunny", "cloudy", "rainy", "windy", "clear"]


def _slots(rng, unseen):
    lexicon = Lexicon(rng, unseen)
    number, other = rng.randint(2, 60), rng.randint(2, 60)
    return {
        "city": lexicon.city(), "name": lexicon.name(), "thing": lexicon.thing(),
        "place": lexicon.place(), "colour": lexicon.colour(), "day": lexicon.day(),
        "number": number, "other": other, "sky": rng.choice(SKIES),
        "hour": rng.randint(1, 12), "minute": rng.randint(10, 59), "phone": rng.randint(100, 999),
        "result": number + other,
    }


def _declared(rng, tool):
    """One random way to declare a tool: (its JSON, its name, [(argument, slot)])."""
    names, text, arguments = tool[:3]
    name = rng.choice(names)
    chosen = [(rng.choice(ways), slot) for ways, slot in arguments]
    properties = {
        argument: {"type": "integer" if slot in NUMERIC else "string"} for argument, slot in chosen
    }
    function = {"name": name, "description": text, "parameters": {
        "type": "object", "properties": properties, "required": list(properties)}}
    return {"type": "function", "function": function}, name, chosen


def conversation(rng, unseen=False, plain_share=0.12, answer_share=0.4):
    """Returns (conversation with its call, the call's name and arguments or None)."""
    count = rng.choice([1, 1, 2, 2, 3])
    offered = rng.sample(TOOLS, count)
    declared = [_declared(rng, tool) for tool in offered]
    talk = Conversation(tools=[tool for tool, _, _ in declared])
    if rng.random() < plain_share:
        said, answer = chitchat(rng)
        return talk.user(said).assistant(answer), None
    which = rng.randrange(count)
    _, name, chosen = declared[which]
    _, _, _, said, returned, told = offered[which]
    slots = _slots(rng, unseen)
    arguments = {argument: slots[slot] for argument, slot in chosen}
    talk.user(rng.choice(said).format(**slots)).assistant(tool_call(name, arguments))
    if rng.random() < answer_share:
        if offered[which][0][0] == "multiply":
            slots["result"] = slots["number"] * slots["other"]
        talk.tool_answer(returned.format(**slots)).assistant(told.format(**slots))
    return talk, {"name": name, "arguments": arguments}


def parse_call(text):
    """What a tool call in `text` says, or None where it is not one well-formed call."""
    before, _, rest = text.partition("<tool_call>\n")
    body, end, after = rest.partition("\n</tool_call>")
    if before or after or not end:
        return None
    try:
        call = json.loads(body)
    except ValueError:
        return None
    well_formed = isinstance(call, dict) and set(call) == {"name", "arguments"}
    return call if well_formed else None
