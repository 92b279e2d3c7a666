// Renders a model's chat template for lines of JSON, so that a script can compare.
//
//     render_lines FOLDER|TEMPLATE    lines {"values": {…}} on standard input, each answered with
//                                     {"text": …, "users": [[begin, end]…]} or {"error": …}
//     render_lines                    lines {"template": …, "values": {…}}
#include "worker/api/read_json.hpp"
#include "worker/text/chat_template.hpp"

#include <fstream>
#include <iostream>
#include <sstream>

namespace penstock::worker {
namespace {

namespace json = boost::json;

constexpr std::size_t depth_max = 512;

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
    result<chat_template> fixed = count > 1 ? template_at(words[1]) : error(errc::missing_field);
    for (std::string line; std::getline(std::cin, line);) {
        const json::object asked = read_json(line, depth_max).value().as_object();
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
