// `"{} is {name}".format(…)`.
#include "worker/text/jinja/access.hpp"
#include "worker/text/jinja/format_spec.hpp"
#include "worker/text/jinja/methods.hpp"
#include "worker/text/jinja/print.hpp"
#include "worker/text/jinja/unicode.hpp"

#include <algorithm>

namespace penstock::worker::jinja {
namespace {

class brace_formatter {
 public:
    brace_formatter(workspace& space, const text& format, const arguments& given)
        : space_(space), format_(format), given_(given) {}

    result<value> run();

 private:
    result<void> read_field();
    result<value> find(std::string_view field);
    result<format_spec> read_spec(std::string_view spec) const;
    result<void> put(const value& v, char conversion, std::string_view spec);

    workspace& space_;
    const text& format_;
    const arguments& given_;
    std::size_t at_ = 0;
    std::size_t next_ = 0;
    bool counts_ = false, numbers_ = false;  // `{}` and `{0}` do not go together
    text out_;
};

bool is_number(std::string_view text) noexcept {
    return !text.empty() && text.size() < 7 &&
           text.find_first_not_of("0123456789") == std::string_view::npos;
}

// "name", "0", "", and behind it ".member" and "[key]".
result<value> brace_formatter::find(std::string_view field) {
    std::size_t end = std::min(field.find_first_of(".["), field.size());
    const std::string_view first = field.substr(0, end);
    value at;
    if (first.empty() || is_number(first)) {
        (first.empty() ? counts_ : numbers_) = true;
        if (counts_ && numbers_)
            return fault("cannot switch between automatic and manual field numbering");
        const std::size_t index = first.empty() ? next_++ : std::stoul(std::string(first));
        if (index >= given_.positional.size())
            return fault("Replacement index out of range for positional args tuple");
        at = given_[index];
    } else {
        const auto named =
            std::find_if(given_.named.begin(), given_.named.end(), [&](const auto& p) {
                return p.first == first;
            });
        if (named == given_.named.end()) return fault("a name of the format is missing");
        at = named->second;
    }
    for (std::size_t steps = 0; end < field.size(); ++steps) {
        if (steps > 64) return fault("a field of the format is too long");
        const bool is_member = field[end] == '.';
        std::size_t close = field.find_first_of(is_member ? ".[" : "]", end + 1);
        if (!is_member && close == field.npos) return fault("expected ']' in a field");
        close = std::min(close, field.size());
        const std::string_view key = field.substr(end + 1, close - end - 1);
        if (key.empty()) return fault("empty attribute in format string");
        TRY(const value name, space_.make(key));
        const bool is_index = !is_member && is_number(key);
        const value index = value(static_cast<integer>(is_index ? std::stol(std::string(key)) : 0));
        TRY(at,
            is_member ? attribute_of(space_, at, name.str().bytes)
                      : element_of(space_, at, is_index ? index : name));
        if (at.is_undefined()) return undefined_fault(at);
        end = is_member ? close : close + 1;
    }
    return at;
}

result<format_spec> brace_formatter::read_spec(std::string_view spec) const {
    format_spec out;
    std::size_t at = 0;
    const auto aligns = [](char c) { return c == '<' || c == '>' || c == '^' || c == '='; };
    if (!spec.empty()) {
        std::size_t second = 0;
        next_code_point(spec, second);
        if (second < spec.size() && aligns(spec[second])) {
            out.fill = text::like(spec.substr(0, second), format_.has_users());
            out.align = spec[second];
            at = second + 1;
        } else if (aligns(spec[0])) {
            out.align = spec[0];
            at = 1;
        }
    }
    const auto now = [&] { return at < spec.size() ? spec[at] : '\0'; };
    const auto read_count = [&] {
        std::size_t count = 0;
        for (; now() >= '0' && now() <= '9'; ++at)
            count =
                std::min<std::size_t>(count * 10 + static_cast<std::size_t>(now() - '0'), 1 << 30);
        return count;
    };
    if (now() == '+' || now() == '-' || now() == ' ') out.sign = spec[at++];
    if (now() == '#') out.alternate = (++at, true);
    if (now() == '0') {
        ++at;
        if (out.align == 0) {
            out.align = '=';
            out.fill = text("0");
        }
    }
    out.width = read_count();
    if (now() == ',') out.commas = (++at, true);
    if (now() == '.') {
        ++at;
        if (now() < '0' || now() > '9') return fault("Format specifier missing precision");
        out.precision = static_cast<int>(read_count());
    }
    out.type = now();
    if (out.type != 0) ++at;
    if (at != spec.size() || std::string_view("\0sdxXobfFeEgG%", 14).find(out.type) == spec.npos)
        return fault("this format specifier is not supported");
    if (out.width > format_width_max || out.precision > static_cast<int>(format_width_max))
        return fault("a width of the format is too large");
    return out;
}

result<void> brace_formatter::put(const value& v, char conversion, std::string_view given) {
    TRY(format_spec spec, read_spec(given));
    const bool is_plain_number = v.is_number() && !(v.is(kind::boolean) && given.empty());
    if (conversion == 0 && is_plain_number && spec.type != 's') {
        if (spec.precision > format_precision_max)
            return fault("a precision of the format is too large");
        if (spec.type == 'd' && v.is(kind::real))
            return fault("Unknown format code 'd' for object of type 'float'");
        if (v.is_whole() && spec.precision >= 0 &&
            std::string_view("fegFEG%").find(spec.type) == std::string_view::npos)
            return fault("Precision not allowed in integer format specifier");
        std::size_t sign_end = 0;
        TRY(const std::string body, format_number(v, spec, sign_end));
        return pad_into(space_, text(body), sign_end, spec, '>', out_);
    }
    text body;
    CHECK(conversion == 'r' ? print_repr(space_, v, body) : print(space_, v, body));
    const bool fits = v.is_string() || conversion != 0;
    if (!fits && !given.empty()) return fault("unsupported format string passed to __format__");
    if ((spec.type != 0 && spec.type != 's') || spec.align == '=' || spec.sign != 0 || spec.commas)
        return fault("this format is for numbers");
    if (spec.precision >= 0)
        body = body.part(
            0, offset_of_code_point(body.bytes, static_cast<std::size_t>(spec.precision))
        );
    return pad_into(space_, body, 0, spec, '<', out_);
}

result<void> brace_formatter::read_field() {
    const std::size_t close = format_.bytes.find('}', at_);
    if (close == std::string::npos) return fault("expected '}' before end of string");
    std::string_view field = format_.view().substr(at_ + 1, close - at_ - 1);
    if (field.find('{') != field.npos) return fault("fields within fields are not supported");
    at_ = close + 1;
    std::string_view spec;
    if (const std::size_t colon = field.find(':'); colon != field.npos) {
        spec = field.substr(colon + 1);
        field = field.substr(0, colon);
    }
    char conversion = 0;
    if (const std::size_t mark = field.find('!'); mark != field.npos) {
        if (mark + 2 != field.size() || (field[mark + 1] != 's' && field[mark + 1] != 'r'))
            return fault("a conversion is !s or !r");
        conversion = field[mark + 1];
        field = field.substr(0, mark);
    }
    TRY(const value v, find(field));
    return put(v, conversion, spec);
}

result<value> brace_formatter::run() {
    const std::string& all = format_.bytes;
    while (at_ < all.size()) {
        const std::size_t brace = std::min(all.find_first_of("{}", at_), all.size());
        out_.append(format_, at_, brace);
        CHECK(space_.charge(1 + (brace - at_) / 32));
        CHECK(space_.check_size(out_.size()));
        at_ = brace;
        if (at_ == all.size()) break;
        if (at_ + 1 < all.size() && all[at_ + 1] == all[at_]) {
            out_.append(format_, at_, at_ + 1);
            at_ += 2;
        } else if (all[at_] == '}') {
            return fault("Single '}' encountered in format string");
        } else {
            CHECK(read_field());
        }
    }
    if (format_.has_users()) out_.give_to_user();
    return space_.make(std::move(out_));
}

}  // namespace

result<value> format_braces(workspace& space, const value& self, const arguments& given) {
    return brace_formatter(space, self.str(), given).run();
}

}  // namespace penstock::worker::jinja
