// Any tokenizer.json is taken or refused with a path, and one that is taken gives every text the
// same ids twice, whose bytes are the text's where the vocabulary knows all of them.
//
// The input is a file, then a zero byte and a text to encode; without a zero byte, the file is all.
#include "fuzz/property.hpp"
#include "worker/text/detokenizer.hpp"
#include "worker/text/tokenizer.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace penstock::worker {
namespace {

constexpr std::string_view texts[] = {
    "",
    "Hello, world's 12345 \n\n\t x",
    "Привет, мир! 你好 e\xCC\x81 <|im_end|>",
    "\xFF\xE2\x82 \xF0\x9F\x98"
};

void check(const tokenizer& with, std::string_view text) {
    std::vector<token_id> ids, again, as_user;
    with.encode(text, {}, ids);
    with.encode(text, {}, again);
    ALWAYS(ids == again);
    const user_range all{0, text.size()};
    with.encode(text, {&all, 1}, as_user);
    detokenizer from;
    std::string out;
    for (const token_id id : as_user) {
        ALWAYS(id >= 0 && static_cast<std::uint32_t>(id) < with.size());
        ALWAYS(!with.is_special(id) || with.find(with.bytes(id)) == id);
        from.push(with.bytes(id), out);
    }
    from.finish(out);
    const std::size_t half = text.size() / 2;
    const user_range ranges[] = {{0, half / 2}, {half, half + (text.size() - half) / 2}};
    with.encode(text, ranges, as_user);
}

void check_file(std::string_view file, std::string_view text) {
    const auto made = tokenizer::parse(file);
    if (made.has_error()) {
        ALWAYS(made.error().code == errc::invalid_value);
        ALWAYS(std::string_view(made.error().detail).starts_with("tokenizer.json: "));
        return;
    }
    const tokenizer& with = made.value();
    check(with, text);
    for (const std::string_view each : texts)
        check(with, each);
    for (std::uint32_t id = 0; id < std::min<std::uint32_t>(with.size(), 1000); ++id)
        (void)with.find(with.bytes(static_cast<token_id>(id)));
    (void)with.bytes(-1);
    (void)with.bytes(static_cast<token_id>(with.size()));
}

}  // namespace
}  // namespace penstock::worker

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::size_t end = input.find('\0');
    const bool has_text = end != std::string_view::npos;
    penstock::worker::check_file(input.substr(0, end), has_text ? input.substr(end + 1) : "");
    return 0;
}
