// GPT-2's table of bytes and characters, computed.
#include "worker/text/byte_level.hpp"

#include "worker/text/utf8.hpp"

#include <array>

namespace penstock::worker {
namespace {

constexpr unsigned num_bytes = 256;

constexpr bool is_its_own(unsigned byte) noexcept {
    return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
}

struct byte_table {
    std::array<std::uint16_t, num_bytes> characters{};
    std::array<std::int16_t, 2 * num_bytes> bytes{};  // of a character; -1: none
};

constexpr byte_table make_table() {
    byte_table table;
    table.bytes.fill(-1);
    unsigned next = num_bytes;
    for (unsigned byte = 0; byte < num_bytes; ++byte) {
        const unsigned character = is_its_own(byte) ? byte : next++;
        table.characters[byte] = static_cast<std::uint16_t>(character);
        table.bytes[character] = static_cast<std::int16_t>(byte);
    }
    return table;
}

constexpr byte_table table = make_table();

}  // namespace

bool append_spelled_bytes(std::string_view spelled, std::string& out) {
    const std::size_t before = out.size();
    for (std::size_t at = 0; at < spelled.size();) {
        const utf8_character next = read_valid_utf8(spelled.data() + at);
        const int byte = next.code < table.bytes.size() ? table.bytes[next.code] : -1;
        if (byte < 0) {
            out.resize(before);
            return false;
        }
        out.push_back(static_cast<char>(byte));
        at += next.length;
    }
    return true;
}

std::string spelling_of(std::uint8_t byte) {
    const unsigned character = table.characters[byte];
    if (character < 0x80) return {static_cast<char>(character)};
    return {static_cast<char>(0xC0 | character >> 6), static_cast<char>(0x80 | (character & 0x3F))};
}

}  // namespace penstock::worker
