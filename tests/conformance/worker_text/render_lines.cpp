// Renders a model's chat template for lines of JSON, so that a script can compare.
//
//     render_lines FOLDER|TEMPLATE    lines {"values": {…}} on standard input, each answered with
//                                     {"text": …, "users": [[begin, end]…]} or {"error": …}
//     render_lines                    lines {"template": …, "values": {…}}
//
// Numbers are read by simdjson: Boost.JSON 1.81 rounds some doubles wrongly.
#include "worker/text/chat_template.hpp"

#include <simdjson.h>

#include <fstream>
#include <iostream>
#include <sstream>

namespace penstock::worker {
namespace {

namespace json = boost::json;

json::value read(simdjson::dom::element from) {
    using type = simdjson::dom::element_type;
    switch (from.type()) {
        case type::INT64:
            return from.get_int64().value();
        case type::UINT64:
            return from.get_uint64().value();
        case type::DOUBLE:
            return from.get_double().value();
        case type::BOOL:
            return from.get_bool().value();
        case type::STRING:
            return json::string(from.get_string().value());
        case type::ARRAY: {
            json::array out;
            for (const auto item : from.get_array())
                out.push_back(read(item));
            return out;
        }
        case type::OBJECT: {
            json::object out;
            for (const auto [key, member] : from.get_object())
                out[key] = read(member);
            return out;
        }
        default:
            return nullptr;
    }
}

result<chat_template> template_at(const std::filesystem::path& place) {
    if (std::filesystem::is_directory(place)) return chat_template::load(place);
    std::ifstream in(place, std::ios::binary);
    std::ostringstream source;
    source << in.rdbuf();
    return chat_template::parse(source.str(), {});
}

json::object answer(const result<chat_template>& given, const json::object& line) {
    if (given.has_error()) return {{"error", given.error().detail}};
    const auto rendered = given.value().render(line.at("values").as_object());
    if (rendered.has_error()) return {{"error", rendered.error().detail}};
    json::array users;
    for (const user_range& range : rendered.value().users)
        users.push_back(json::array{range.begin, range.end});
    return {{"text", rendered.value().text}, {"users", users}};
}

int run(int count, char** words) {
    simdjson::dom::parser parser;
    result<chat_template> fixed = count > 1 ? template_at(words[1]) : error(errc::missing_field);
    for (std::string line; std::getline(std::cin, line);) {
        const json::object asked = read(parser.parse(line).value()).as_object();
        const json::value* const source = asked.if_contains("template");
        std::cout << json::serialize(
                         source == nullptr
                             ? answer(fixed, asked)
                             : answer(chat_template::parse(source->as_string(), {}), asked)
                     )
                  << std::endl;
    }
    return 0;
}

}  // namespace
}  // namespace penstock::worker

int main(int count, char** words) {
    return penstock::worker::run(count, words);
}
