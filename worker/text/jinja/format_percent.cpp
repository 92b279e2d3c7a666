// `"%s is %d" % (…)`.
#include "worker/text/jinja/format_spec.hpp"
#include "worker/text/jinja/operators.hpp"
#include "worker/text/jinja/print.hpp"
#include "worker/text/jinja/unicode.hpp"

#include <algorithm>
#include <cmath>

namespace penstock::worker::jinja {
namespace {

class percent_formatter {
 public:
    percent_formatter(workspace& space, const text& format, const value& given)
        : space_(space), format_(format), given_(given) {}

    result<value> run();

 private:
    char now() const { return at_ < format_.size() ? format_.bytes[at_] : '\0'; }
    result<void> read_directive();
    result<std::size_t> read_count();
    result<value> next_value();
    result<void> put(const value& v, format_spec spec);

    workspace& space_;
    const text& format_;
    const value& given_;
    std::size_t at_ = 0;
    std::size_t num_taken_ = 0;
    bool by_name_ = false;
    value named_;
    text out_;
};

result<value> percent_formatter::next_value() {
    if (named_.is_given()) return std::exchange(named_, value());
    const bool is_tuple = given_.is(kind::tuple);
    const std::size_t count = is_tuple ? given_.items().size() : 1;
    if (num_taken_ >= count) return fault("not enough arguments for format string");
    ++num_taken_;
    return is_tuple ? given_.items()[num_taken_ - 1] : given_;
}

result<std::size_t> percent_formatter::read_count() {
    if (now() == '*') {
        ++at_;
        TRY(const value v, next_value());
        if (!v.is_whole() || v.whole() < 0) return fault("* wants a natural number");
        return static_cast<std::size_t>(std::min<integer>(v.whole(), integer{1} << 40));
    }
    std::size_t out = 0;
    for (; now() >= '0' && now() <= '9'; ++at_)
        out = std::min<std::size_t>(out * 10 + static_cast<std::size_t>(now() - '0'), 1u << 30);
    return out;
}

result<void> percent_formatter::put(const value& v, format_spec spec) {
    if (spec.type == 's' || spec.type == 'r') {
        text body;
        CHECK(spec.type == 's' ? print(space_, v, body) : print_repr(space_, v, body));
        if (spec.precision >= 0)
            body = body.part(
                0, offset_of_code_point(body.bytes, static_cast<std::size_t>(spec.precision))
            );
        return pad_into(space_, body, 0, spec, '>', out_);
    }
    if (spec.type == 'c') {
        if (v.is_string() && count_code_points(v.bytes()) == 1)
            return pad_into(space_, v.str(), 0, spec, '>', out_);
        if (!v.is_whole() || v.whole() < 0 || v.whole() > 0x10ffff)
            return fault("%c requires int or char");
        std::string one;
        append_code_point(one, static_cast<char32_t>(v.whole()));
        return pad_into(space_, text::of_user(one), 0, spec, '>', out_);
    }
    if (!v.is_number()) return wrong_type("a number is required by the format", v);
    const bool whole = std::string_view("dixXo").find(spec.type) != std::string_view::npos;
    value number = v;
    if (whole && v.is(kind::real)) {
        if (spec.type != 'd' && spec.type != 'i') return wrong_type("an integer is required", v);
        if (!(std::fabs(v.real()) < 0x1p126)) return fault("cannot convert float to integer");
        number = value(static_cast<integer>(v.real()));
    }
    if (spec.type == 'i') spec.type = 'd';
    std::size_t sign_end = 0;
    TRY(const std::string body, format_number(number, spec, sign_end));
    return pad_into(space_, text(body), sign_end, spec, '>', out_);
}

result<void> percent_formatter::read_directive() {
    ++at_;
    if (now() == '(') {
        const std::size_t close = format_.bytes.find(')', at_);
        if (close == std::string::npos) return fault("incomplete format key");
        if (!given_.is(kind::dict)) return fault("format requires a mapping");
        const std::string_view key = format_.view().substr(at_ + 1, close - at_ - 1);
        const value* const member = given_.as_dict().find(key);
        if (member == nullptr) return fault("a key of the format is missing");
        named_ = *member;
        by_name_ = true;
        at_ = close + 1;
    }
    format_spec spec;
    bool zeros = false;
    for (; std::string_view("-+ 0#").find(now()) != std::string_view::npos && now() != 0; ++at_) {
        if (now() == '-') spec.align = '<';
        if (now() == '+' || (now() == ' ' && spec.sign != '+')) spec.sign = now();
        zeros = zeros || now() == '0';
        spec.alternate = spec.alternate || now() == '#';
    }
    TRY(spec.width, read_count());
    if (now() == '.') {
        ++at_;
        TRY(const std::size_t precision, read_count());
        if (precision > format_width_max) return fault("a precision of the format is too large");
        spec.precision = static_cast<int>(precision);
    }
    if (std::string_view("hlL").find(now()) != std::string_view::npos && now() != 0) ++at_;
    spec.type = now();
    if (at_ == format_.size()) return fault("incomplete format");
    ++at_;
    if (spec.type == '%') {
        out_.append("%");
        return success();
    }
    if (std::string_view("srcdixXofFeEgG").find(spec.type) == std::string_view::npos)
        return fault("unsupported format character");
    const bool is_text = spec.type == 's' || spec.type == 'r' || spec.type == 'c';
    if (!is_text && spec.precision > format_precision_max)
        return fault("a precision of the format is too large");
    if (spec.width > format_width_max) return fault("a width of the format is too large");
    if (zeros && spec.align == 0 && !is_text) {
        spec.align = '=';
        spec.fill = text("0");
    }
    TRY(const value v, next_value());
    return put(v, spec);
}

result<value> percent_formatter::run() {
    while (at_ < format_.size()) {
        const std::size_t percent = std::min(format_.bytes.find('%', at_), format_.size());
        out_.append(format_, at_, percent);
        CHECK(space_.charge(1 + (percent - at_) / 32));
        CHECK(space_.check_size(out_.size()));
        at_ = percent;
        if (at_ < format_.size()) {
            CHECK(read_directive());
        }
    }
    const std::size_t given = given_.is(kind::tuple) ? given_.items().size() : 1;
    const bool may_be_left = by_name_ || given_.is(kind::dict) || given_.has_items();
    if (num_taken_ < given && !(may_be_left && !given_.is(kind::tuple)))
        return fault("not all arguments converted during string formatting");
    // A user's format decides what stands where: then all of it is the user's.
    if (format_.has_users()) out_.give_to_user();
    return space_.make(std::move(out_));
}

}  // namespace

result<value> format_percent(workspace& space, const value& format, const value& given) {
    return percent_formatter(space, format.str(), given).run();
}

}  // namespace penstock::worker::jinja
