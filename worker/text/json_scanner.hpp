// One JSON object, byte by byte as it comes: says of each byte whether it belongs to a key or to a
// value of the outermost object. Nothing is kept but the open brackets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::worker {

class json_scanner {
 public:
    enum class part : std::uint8_t {
        between,  // brackets, commas, colons and white space of the outermost object
        key,      // of the outermost object, quotes included
        member,   // the value of such a key, from its first byte to its last
        wrong,    // no JSON goes on like this; nothing may follow
    };

    // Control characters are taken in strings, as models write line ends into them.
    part step(char c);

    bool in_string() const noexcept { return state_ == state::string; }
    bool is_complete() const noexcept { return state_ == state::complete; }
    // A key of the outermost object has just been read.
    bool has_key() const noexcept { return state_ == state::colon && open_.size() == 1; }
    // A string, list or object that is such a key's value has just ended.
    bool has_member() const noexcept { return state_ == state::after && open_.size() == 1; }

 private:
    enum class state : std::uint8_t {
        start,
        first_key,  // or }
        key,
        colon,
        value,
        first_value,  // or ]
        after,
        string,
        number,
        word,
        complete,
    };
    enum class digits : std::uint8_t {
        sign,
        zero,
        whole,
        point,
        fraction,
        exponent,
        exponent_sign,
        power
    };

    bool take(char c);
    bool take_in_string(char c);
    bool take_in_number(char c);
    bool take_after(char c);
    bool begin_value(char c);
    bool begin_string(bool is_key);
    bool open(char close, state then);
    bool close(char c);

    static constexpr std::size_t depth_max = 512;

    state state_ = state::start;
    digits digits_ = digits::sign;
    bool is_key_ = false;
    bool is_escaped_ = false;
    std::uint8_t hex_left_ = 0;
    std::string_view word_;  // what is left of true, false or null
    std::string open_;       // brackets, as what closes them
};

// The text of a JSON string with its quotes; false for an escape that is none.
bool read_json_string(std::string_view quoted, std::string& out);

}  // namespace penstock::worker
