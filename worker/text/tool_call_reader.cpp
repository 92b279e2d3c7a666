// Finds name and arguments in the body of a call, in either order.
#include "worker/text/tool_call_reader.hpp"

#include <utility>

namespace penstock::worker {

tool_call_reader::event tool_call_reader::fail() {
    if (!is_named_) return event::no_call;
    if (are_complete_) return event::trailing;
    is_broken_ = true;
    has_arguments_ = true;
    return event::arguments;
}

tool_call_reader::event tool_call_reader::take_key(char c) {
    key_ += c;
    if (!scanner_.has_key()) return event::none;
    std::string key;
    if (!read_json_string(std::exchange(key_, {}), key)) return fail();
    field_ = field::other;
    if (key == "name" && !is_named_) field_ = field::name;
    if (key == "arguments" && !has_arguments_) field_ = field::arguments;
    return event::none;
}

tool_call_reader::event tool_call_reader::take_name(char c) {
    if (quoted_name_.empty() && c != '"') return fail();
    quoted_name_ += c;
    if (!scanner_.has_member()) return event::none;
    if (!read_json_string(quoted_name_, name_) || name_.empty()) return fail();
    field_ = field::other;
    is_named_ = true;
    held_ = {};
    return event::name;
}

tool_call_reader::event tool_call_reader::take_member(char c) {
    if (field_ == field::name) return take_name(c);
    if (field_ != field::arguments) return event::none;
    has_arguments_ = true;
    if (scanner_.has_member()) are_complete_ = true;
    if (is_named_) return event::arguments;
    arguments_ += c;
    return event::none;
}

tool_call_reader::event tool_call_reader::step(char c) {
    if (is_broken_) return event::arguments;
    if (!is_named_) held_ += c;
    switch (scanner_.step(c)) {
        case json_scanner::part::wrong:
            return fail();
        case json_scanner::part::key:
            return take_key(c);
        case json_scanner::part::member:
            return take_member(c);
        case json_scanner::part::between:
            break;
    }
    if (has_arguments_) are_complete_ = true;  // a number or word that is the arguments has ended
    if (!scanner_.is_complete()) return event::none;
    return is_named_ ? event::complete : event::no_call;
}

}  // namespace penstock::worker
