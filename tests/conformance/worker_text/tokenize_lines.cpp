// Tokenizes lines: `tokenize_lines FOLDER` reads {"text": …} a line and writes its ids as a list.
// With --time it writes to stderr how long loading and encoding took.
#include "worker/text/tokenizer.hpp"

#include <boost/json.hpp>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>

namespace penstock::worker {
namespace {

int run(const char* folder, bool timed) {
    using clock = std::chrono::steady_clock;
    const auto seconds = [](clock::duration took) {
        return std::chrono::duration<double>(took).count();
    };
    const auto start = clock::now();
    auto loaded = tokenizer::load(folder);
    if (loaded.has_error()) {
        std::cerr << loaded.error().detail << '\n';
        return 1;
    }
    const tokenizer& tokens = loaded.value();
    if (timed) std::fprintf(stderr, "loaded in %.3f s\n", seconds(clock::now() - start));
    clock::duration encoding{};
    std::size_t bytes = 0;
    std::vector<token_id> ids;
    for (std::string line; std::getline(std::cin, line);) {
        boost::json::error_code failed;
        const auto read = boost::json::parse(line, failed);
        if (failed || !read.is_object() || !read.get_object().contains("text")) {
            std::cerr << "not a line with a text: " << line << '\n';
            return 1;
        }
        const auto& text = read.get_object().at("text").as_string();
        ids.clear();
        const auto before = clock::now();
        tokens.encode({text.data(), text.size()}, {}, ids);
        encoding += clock::now() - before;
        bytes += text.size();
        std::string out = "[";
        for (const token_id id : ids)
            out.append(out.size() > 1 ? "," : "").append(std::to_string(id));
        std::cout << out << "]\n";
    }
    if (timed)
        std::fprintf(
            stderr,
            "%zu bytes in %.3f s, %.1f MB/s\n",
            bytes,
            seconds(encoding),
            static_cast<double>(bytes) / 1e6 / seconds(encoding)
        );
    return 0;
}

}  // namespace
}  // namespace penstock::worker

int main(int argc, char** argv) {
    const bool timed = argc == 3 && std::string_view(argv[2]) == "--time";
    if (argc != 2 && !timed) {
        std::cerr << "tokenize_lines FOLDER [--time]\n";
        return 2;
    }
    std::ios::sync_with_stdio(false);
    return penstock::worker::run(argv[1], timed);
}
