// A YAML writer of just the forms that the loader reads.
#include "gateway/settings/print.hpp"

#include "gateway/settings/keys.hpp"
#include "gateway/settings/rules.hpp"
#include "gateway/settings/substitute.hpp"

#include <algorithm>

namespace penstock::settings {

namespace {

// Plain where no YAML reader could take it for anything else; double quotes otherwise.
std::string as_yaml(std::string_view text) {
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    const bool plain = !text.empty() && (is_letter(text[0]) || text[0] == '/') &&
                       text.back() != ':' && std::all_of(text.begin(), text.end(), [&](char c) {
                           return is_letter(c) || (c >= '0' && c <= '9') ||
                                  std::string_view("_./:@-").find(c) != std::string_view::npos;
                       });
    static constexpr std::string_view words[] = {"true", "false", "null", "yes", "no", "on", "off"};
    std::string lower(text);
    for (char& c : lower)
        if (is_letter(c)) c = static_cast<char>(c | 0x20);
    if (plain && std::find(std::begin(words), std::end(words), lower) == std::end(words))
        return std::string(text);
    constexpr std::string_view hex = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\')
            (out += '\\') += c;
        else if (c == '\n')
            out += "\\n";
        else if (byte < 0x20 || byte == 0x7f)
            ((out += "\\x") += hex[byte >> 4]) += hex[byte & 15];
        else
            out += c;
    }
    return out + '"';
}

struct line_writer {
    std::string_view key;

    std::string operator()(const std::string* text) const {
        if (trait_of(key).secret && !text->empty()) return "<set>";
        return as_yaml(unexpand(*text));
    }
    std::string operator()(const bool* flag) const { return *flag ? "true" : "false"; }
    std::string operator()(const std::uint32_t* n) const {
        return format_amount(*n, range_of(key).in);
    }
    std::string operator()(const std::uint64_t* n) const {
        return format_amount(*n, range_of(key).in);
    }
    std::string operator()(const double* share) const { return format_share(*share); }
    std::string operator()(const duration* time) const { return format_duration(*time); }
    std::string operator()(const tree::choice& one) const {
        return as_yaml(one.names[one.get(one.object)]);
    }
    std::string operator()(const tree::maybe& it) const {
        return it.has(it.object) ? inline_text(it.get(it.object), key) : "null";
    }
    std::string operator()(const tree::list& items) const {
        std::string out = "[";
        for (std::size_t i = 0; i < items.size(items.object); ++i)
            out += (i == 0 ? "" : ", ") + inline_text(items.at(items.object, i), key);
        return out + ']';
    }
    std::string operator()(const tree::table& entries) const {
        std::string out = "{";
        for (const std::string& name : entries.names())
            out += (out.size() == 1 ? "" : ", ") + as_yaml(name) + ": " +
                   inline_text(entries.add(name), key);
        return out + '}';
    }
    std::string operator()(const tree::record& of) const {
        std::string out = "{";
        for (const tree::field& each : of.fields) {
            const std::string there = std::string(key) + '.' + std::string(each.name);
            out += (out.size() == 1 ? "" : ", ") + std::string(each.name) + ": " +
                   inline_text(each.of(of.object), setting_key(there));
        }
        return out + '}';
    }
};

// Whether lines of its own say it better than one line.
bool is_block(const tree::value& of) {
    if (const auto* list = std::get_if<tree::list>(&of.as))
        return list->size(list->object) > 0 &&
               std::holds_alternative<tree::record>(list->at(list->object, 0).as);
    if (const auto* table = std::get_if<tree::table>(&of.as)) return !table->names().empty();
    if (const auto* maybe = std::get_if<tree::maybe>(&of.as)) return maybe->has(maybe->object);
    return std::holds_alternative<tree::record>(of.as);
}

class block_writer {
 public:
    std::string take() { return std::move(out_); }

    void write(const tree::value& of, const std::string& pattern, std::size_t indent) {
        if (const auto* list = std::get_if<tree::list>(&of.as))
            items(*list, pattern + "[]", indent);
        else if (const auto* table = std::get_if<tree::table>(&of.as))
            for (const std::string& name : table->names())
                line(as_yaml(name), table->add(name), pattern + ".*", indent);
        else if (const auto* maybe = std::get_if<tree::maybe>(&of.as))
            write(maybe->get(maybe->object), pattern, indent);
        else
            fields(std::get<tree::record>(of.as), pattern, indent);
    }

 private:
    void fields(const tree::record& of, const std::string& pattern, std::size_t indent) {
        for (const tree::field& each : of.fields) {
            const std::string there =
                (pattern.empty() ? "" : pattern + '.') + std::string(each.name);
            if (!is_short_form(there))
                line(std::string(each.name), each.of(of.object), there, indent);
        }
    }

    void line(
        const std::string& name,
        const tree::value& of,
        const std::string& pattern,
        std::size_t indent
    ) {
        out_ += std::string(indent, ' ') + name + ':';
        if (is_block(of)) {
            out_ += '\n';
            write(of, pattern, indent + 2);
        } else {
            out_ += ' ' + inline_text(of, setting_key(pattern)) + '\n';
        }
    }

    void items(const tree::list& of, const std::string& pattern, std::size_t indent) {
        for (std::size_t i = 0; i < of.size(of.object); ++i) {
            const std::size_t start = out_.size();
            write(of.at(of.object, i), pattern, indent + 2);
            out_[start + indent] = '-';
        }
    }

    std::string out_;
};

}  // namespace

std::string inline_text(const tree::value& of, std::string_view key) {
    return std::visit(line_writer{key}, of.as);
}

std::string effective(const root& settings) {
    root copy = settings;
    block_writer writer;
    writer.write(tree::reflect(copy), "", 0);
    return writer.take();
}

std::string digest(const root& settings) {
    return sha256_hex(effective(settings)).substr(0, 12);
}

}  // namespace penstock::settings
