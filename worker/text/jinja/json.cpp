// json.dumps, byte for byte.
#include "penstock/hex.hpp"
#include "worker/text/jinja/print.hpp"
#include "worker/text/jinja/unicode.hpp"

#include <algorithm>
#include <cmath>

namespace penstock::worker::jinja {
namespace {

class json_writer {
 public:
    json_writer(workspace& space, const json_style& style) : space_(space), style_(style) {}

    result<void> write(const value& v);
    text take() { return text::like(out_, of_user_); }

 private:
    result<void> write_items(const value& v);
    result<void> write_dict(const dict& from);
    result<void> write_key(const value& key);
    result<void> write_string(const value& v);
    void append_quoted(std::string_view string);
    void append_escape(char32_t code);
    void append_unit(std::uint32_t unit);
    void append_number(const value& v);
    void break_line() {
        if (!style_.broken) return;
        out_ += '\n';
        for (std::size_t i = 0; i < level_; ++i)
            out_ += style_.indent;
    }

    workspace& space_;
    const json_style& style_;
    std::string out_;
    std::size_t level_ = 0;
    bool of_user_ = false;
};

void json_writer::append_unit(std::uint32_t unit) {
    out_ += "\\u";
    append_hex(out_, unit, 4);
}

void json_writer::append_escape(char32_t code) {
    constexpr std::string_view escaped = "\"\\\n\r\t\f\b", letters = "\"\\nrtfb";
    const std::size_t known = code < 0x80 ? escaped.find(static_cast<char>(code)) : escaped.npos;
    const auto number = static_cast<std::uint32_t>(code);
    if (known != escaped.npos) {
        out_ += '\\';
        out_ += letters[known];
    } else if (number < 0x10000) {
        append_unit(number);
    } else {
        append_unit(0xd7c0 + (number >> 10));
        append_unit(0xdc00 + (number & 0x3ff));
    }
}

void json_writer::append_quoted(std::string_view string) {
    out_ += '"';
    for (std::size_t at = 0; at < string.size();) {
        const std::size_t begin = at;
        const char32_t code = next_code_point(string, at);
        if (code < 0x20 || code == '"' || code == '\\' || (code > 0x7e && style_.ascii))
            append_escape(code);
        else
            out_ += string.substr(begin, at - begin);
    }
    out_ += '"';
}

result<void> json_writer::write_string(const value& v) {
    CHECK(space_.charge_bytes(v.bytes().size()));
    of_user_ = of_user_ || v.str().has_users();
    append_quoted(v.bytes());
    return success();
}

void json_writer::append_number(const value& v) {
    if (v.is(kind::boolean))
        out_ += v.boolean() ? "true" : "false";
    else if (v.is(kind::integer))
        append_integer(out_, v.whole());
    else if (std::isnan(v.real()))
        out_ += "NaN";
    else if (std::isinf(v.real()))
        out_ += v.real() < 0 ? "-Infinity" : "Infinity";
    else
        append_real(out_, v.real());
}

result<void> json_writer::write_key(const value& key) {
    if (key.is_string()) return write_string(key);
    if (!key.is_number() && !key.is_none())
        return fault(
            "keys must be str, int, float, bool or None, not " + std::string(type_name(key.what()))
        );
    out_ += '"';
    if (key.is_none())
        out_ += "null";
    else
        append_number(key);
    out_ += '"';
    return success();
}

result<void> json_writer::write_items(const value& v) {
    if (v.items().empty()) {
        out_ += "[]";
        return success();
    }
    out_ += '[';
    ++level_;
    bool first = true;
    for (const value& item : v.items()) {
        if (!first) out_ += style_.item_separator;
        first = false;
        break_line();
        CHECK(write(item));
    }
    --level_;
    break_line();
    out_ += ']';
    return success();
}

result<void> json_writer::write_dict(const dict& from) {
    if (from.entries.empty()) {
        out_ += "{}";
        return success();
    }
    std::vector<const std::pair<value, value>*> entries;
    entries.reserve(from.entries.size());
    for (const auto& entry : from.entries)
        entries.push_back(&entry);
    if (style_.sorted) {
        const bool comparable = std::all_of(entries.begin(), entries.end(), [](const auto* entry) {
            return entry->first.is_string();
        });
        if (!comparable && entries.size() > 1)
            return fault("cannot sort keys that are not strings");
        if (comparable)
            std::stable_sort(entries.begin(), entries.end(), [](const auto* a, const auto* b) {
                return a->first.bytes() < b->first.bytes();
            });
    }
    out_ += '{';
    ++level_;
    bool first = true;
    for (const auto* entry : entries) {
        if (!first) out_ += style_.item_separator;
        first = false;
        break_line();
        CHECK(write_key(entry->first));
        out_ += style_.key_separator;
        CHECK(write(entry->second));
    }
    --level_;
    break_line();
    out_ += '}';
    return success();
}

result<void> json_writer::write(const value& v) {
    CHECK(space_.charge(1));
    CHECK(space_.check_size(out_.size()));
    switch (v.what()) {
        case kind::none:
            out_ += "null";
            return success();
        case kind::boolean:
        case kind::integer:
        case kind::real:
            append_number(v);
            return success();
        case kind::string:
            return write_string(v);
        case kind::list:
        case kind::tuple:
            return write_items(v);
        case kind::dict:
            return write_dict(v.as_dict());
        default:
            return fault(
                "Object of type " + std::string(type_name(v.what())) + " is not JSON serializable"
            );
    }
}

}  // namespace

result<text> to_json(workspace& space, const value& v, const json_style& style) {
    json_writer writer(space, style);
    CHECK(writer.write(v));
    return writer.take();
}

}  // namespace penstock::worker::jinja
