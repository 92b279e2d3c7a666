// Functions that every template sees.
#include "worker/text/jinja/filters.hpp"
#include "worker/text/jinja/print.hpp"

#include <algorithm>
#include <ctime>

namespace penstock::worker::jinja {
namespace {

constexpr integer range_max = 100'000;  // as in Jinja's sandbox

std::string text_of(const integer (&parts)[3], bool with_step) {
    std::string out = "range(";
    append_integer(out, parts[0]);
    out += ", ";
    append_integer(out, parts[1]);
    if (with_step) {
        out += ", ";
        append_integer(out, parts[2]);
    }
    return out + ")";
}

result<value> call_range(workspace& space, const value&, const arguments& given) {
    const auto& given_parts = given.positional;
    if (given_parts.empty() || given_parts.size() > 3 || !given.named.empty())
        return fault("range() takes one to three integers");
    for (const value& part : given_parts)
        if (!part.is_whole()) return wrong_type("range() takes integers", part);
    integer parts[3] = {0, given_parts[0].whole(), 1};
    if (given_parts.size() > 1) {
        parts[0] = given_parts[0].whole();
        parts[1] = given_parts[1].whole();
    }
    if (given_parts.size() > 2) parts[2] = given_parts[2].whole();
    const auto [first, end, step] = parts;
    if (step == 0) return fault("range() arg 3 must not be zero");
    constexpr integer far = integer{1} << 100;
    for (const integer part : parts)
        if (part > far || part < -far) return fault("range() takes integers within 100 bits");
    const integer span = step > 0 ? end - first : first - end;
    const integer stride = step > 0 ? step : -step;
    const integer count = span <= 0 ? 0 : (span - 1) / stride + 1;
    if (count > range_max)
        return fault("Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000).");
    std::vector<value> items;
    for (integer i = 0; i < count; ++i)
        items.emplace_back(first + i * step);
    return space.make_list(std::move(items), kind::range, text_of(parts, step != 1));
}

// The entries of `dict(…)` and `namespace(…)`: of a dictionary or pairs, then what is named.
result<dict> entries_of(workspace& space, const arguments& given) {
    dict out;
    if (given.positional.size() > 1) return fault("at most one positional argument is taken");
    if (!given.positional.empty() && given[0].is(kind::dict)) {
        out = given[0].as_dict();
    } else if (!given.positional.empty()) {
        TRY(const std::vector<value> pairs, iterate(space, given[0]));
        for (const value& pair : pairs) {
            TRY(const std::vector<value> both, iterate(space, pair));
            if (both.size() != 2) return fault("a dictionary is made of pairs");
            if (both[0].is(kind::list) || both[0].is(kind::dict))
                return fault("unhashable type: '" + std::string(type_name(both[0].what())) + "'");
            CHECK(space.charge(1 + out.entries.size() / 8));
            out.set(both[0], both[1]);
        }
    }
    for (const auto& [name, v] : given.named) {
        TRY(const value key, space.make(name));
        out.set(key, v);
    }
    return out;
}

result<value> call_dict(workspace& space, const value&, const arguments& given) {
    TRY(dict out, entries_of(space, given));
    return space.make(std::move(out));
}

result<value> call_namespace(workspace& space, const value&, const arguments& given) {
    TRY(const dict entries, entries_of(space, given));
    CHECK(space.charge(1 + entries.entries.size()));
    const value made = space.make_name_space();
    for (const auto& [key, v] : entries.entries)
        if (key.is_string()) made.as_name_space().members.emplace_back(key.bytes(), v);
    return made;
}

result<value> call_raise(workspace& space, const value&, const arguments& given) {
    text message;
    CHECK(print(space, given[0], message));
    return space.raise(std::move(message.bytes));
}

result<value> call_strftime_now(workspace& space, const value&, const arguments& given) {
    if (!given[0].is_string()) return wrong_type("strftime_now() takes a format", given[0]);
    const std::string format = given[0].str().bytes + " ";  // never empty, so that 0 is a failure
    if (format.size() > 1024) return fault("strftime_now() takes a format of at most 1024 bytes");
    const std::time_t now = std::chrono::system_clock::to_time_t(space.now());
    std::tm parts{};
    localtime_r(&now, &parts);
    std::string out(64 * 1024, '\0');
    const std::size_t length = std::strftime(out.data(), out.size(), format.c_str(), &parts);
    if (length == 0) return fault("strftime_now() makes more than 64 KiB");
    out.resize(length - 1);
    return space.make(text::like(out, given[0].str().has_users()));
}

constexpr callable_row rows[] = {
    {"range", call_range, "*"},
    {"dict", call_dict, "*"},
    {"namespace", call_namespace, "*"},
    {"raise_exception", call_raise, "message", 1},
    {"strftime_now", call_strftime_now, "format", 1},
};

}  // namespace

const callable_row* find_global(std::string_view name) noexcept {
    return find_row(rows, name);
}

}  // namespace penstock::worker::jinja
