// Attributes, elements and slices, with the precedence of Jinja's sandbox.
#include "worker/text/jinja/access.hpp"

#include "worker/text/jinja/loop.hpp"
#include "worker/text/jinja/methods.hpp"
#include "worker/text/jinja/print.hpp"
#include "worker/text/jinja/unicode.hpp"

#include <algorithm>

namespace penstock::worker::jinja {
namespace {

// The method, attribute or absent.
result<value> own_attribute(workspace& space, const value& object, const std::string& name) {
    if (object.is(kind::loop)) return loop_attribute(space, object.as_loop(), name);
    if (object.is(kind::name_space)) {
        const value* member = object.as_name_space().find(name);
        return member != nullptr ? *member : value();
    }
    if (object.is(kind::macro) && name == "name") return fault("a macro's name is not supported");
    if (const callable_row* row = find_method(object.what(), name))
        return space.make_bound(object, *row);
    if (is_refused_method(object.what(), name))
        return fault(
            "access to attribute '" + name + "' of '" + std::string(type_name(object.what())) +
            "' object is unsafe."
        );
    if (is_unknown_method(object.what(), name))
        return fault(
            "attribute '" + name + "' of '" + std::string(type_name(object.what())) +
            "' is not supported"
        );
    return value();
}

result<value> undefined_element(workspace& space, const value& object, const value& key) {
    if (key.is_string()) return space.undefined(object.what(), std::string(key.bytes()));
    text repr;
    CHECK(print_repr(space, key, repr));
    return space.undefined(
        std::string(object_name(object.what())) + " has no element " + repr.bytes
    );
}

// The element at a whole number, or absent.
result<value> indexed(workspace& space, const value& object, integer index) {
    if (object.is(kind::string)) {
        const std::string_view bytes = object.bytes();
        CHECK(space.charge_bytes(bytes.size()));
        if (index < 0) index += static_cast<integer>(count_code_points(bytes));
        if (index < 0 || index >= static_cast<integer>(bytes.size())) return value();
        const std::size_t begin = offset_of_code_point(bytes, static_cast<std::size_t>(index));
        if (begin == bytes.size()) return value();
        std::size_t end = begin;
        next_code_point(bytes, end);
        return space.make(object.str().part(begin, end));
    }
    const auto size = static_cast<integer>(object.items().size());
    if (index < 0) index += size;
    if (index < 0 || index >= size) return value();
    return object.items()[static_cast<std::size_t>(index)];
}

bool can_be_indexed(const value& object) noexcept {
    return object.is(kind::string) || object.is(kind::list) || object.is(kind::tuple) ||
           object.is(kind::range);
}

struct span_of_slice {
    std::ptrdiff_t first, count, step;
};

// Python's slice.indices.
result<span_of_slice> resolve(
    std::ptrdiff_t size, const value& begin, const value& end, const value& step
) {
    const auto given = [](const value& v) { return v.is_given() && !v.is_none(); };
    for (const value* v : {&begin, &end, &step})
        if (given(*v) && !v->is_whole()) return wrong_type("slice indices are integers", *v);
    const auto clamp = [](integer i, integer low, integer high) {
        return static_cast<std::ptrdiff_t>(std::clamp(i, low, high));
    };
    const integer stride = given(step) ? step.whole() : 1;
    if (stride == 0) return fault("slice step cannot be zero");
    const bool back = stride < 0;
    const integer low = back ? -1 : 0, high = back ? size - 1 : size;
    const auto bound = [&](const value& v, integer otherwise) {
        if (!given(v)) return clamp(otherwise, low, high);
        const integer i = v.whole();
        return clamp(i < 0 ? i + size : i, low, high);
    };
    span_of_slice out{bound(begin, back ? high : low), 0, 0};
    const std::ptrdiff_t last = bound(end, back ? low : high);
    out.step = clamp(stride, -size - 1, size + 1);
    if (back ? last < out.first : out.first < last)
        out.count =
            (back ? out.first - last - 1 : last - out.first - 1) / (back ? -out.step : out.step) +
            1;
    return out;
}

result<value> slice_of_string(workspace& space, const text& from, const span_of_slice& span) {
    std::vector<std::size_t> offsets;
    for (std::size_t at = 0; at < from.size(); next_code_point(from.bytes, at))
        offsets.push_back(at);
    offsets.push_back(from.size());
    if (span.count <= 0) return space.make(text());
    const auto at = [&](std::ptrdiff_t i) { return offsets[static_cast<std::size_t>(i)]; };
    if (span.step == 1) return space.make(from.part(at(span.first), at(span.first + span.count)));
    text out;
    for (std::ptrdiff_t n = 0; n < span.count; ++n) {
        const std::ptrdiff_t i = span.first + n * span.step;
        out.append(from, at(i), at(i + 1));
    }
    return space.make(std::move(out));
}

}  // namespace

result<value> attribute_of(workspace& space, const value& object, const std::string& name) {
    if (object.is_undefined()) return undefined_fault(object);
    TRY(const value own, own_attribute(space, object, name));
    if (own.is_given()) return own;
    if (object.is(kind::dict)) {
        CHECK(space.charge(object.as_dict().entries.size() / 8));
        if (const value* member = object.as_dict().find(name)) return *member;
    }
    return value::undefined(object.what(), &name);
}

result<value> element_of(workspace& space, const value& object, const value& key) {
    if (object.is_undefined()) return undefined_fault(object);
    if (object.is(kind::dict)) {
        CHECK(space.charge(object.as_dict().entries.size() / 8));
        if (const value* member = object.as_dict().find(key)) return *member;
    } else if (can_be_indexed(object) && key.is_whole()) {
        TRY(const value element, indexed(space, object, key.whole()));
        if (element.is_given()) return element;
    }
    if (key.is_string()) {
        TRY(const value own, own_attribute(space, object, key.str().bytes));
        if (own.is_given()) return own;
    }
    return undefined_element(space, object, key);
}

result<value> slice_of(
    workspace& space, const value& object, const value& begin, const value& end, const value& step
) {
    if (!can_be_indexed(object)) return wrong_type("only a sequence can be sliced", object);
    const std::ptrdiff_t size = length_of(object);
    CHECK(space.charge(1 + static_cast<std::size_t>(size) / 8));
    TRY(const span_of_slice span, resolve(size, begin, end, step));
    if (object.is_string()) return slice_of_string(space, object.str(), span);
    std::vector<value> items;
    for (std::ptrdiff_t n = 0; n < span.count; ++n)
        items.push_back(object.items()[static_cast<std::size_t>(span.first + n * span.step)]);
    const kind what = object.is(kind::tuple) ? kind::tuple : kind::list;
    return space.make_list(std::move(items), what);
}

result<value> follow_path(
    workspace& space, const value& object, const value& path, const value& otherwise
) {
    value at = object;
    const auto step = [&](const value& key) -> result<void> {
        TRY(at, element_of(space, at, key));
        if (at.is_undefined() && otherwise.is_given() && !otherwise.is_none()) at = otherwise;
        return success();
    };
    if (!path.is_string()) {
        CHECK(step(path));
        return at;
    }
    const std::string_view parts = path.bytes();
    for (std::size_t begin = 0; begin <= parts.size();) {
        const std::size_t dot = std::min(parts.find('.', begin), parts.size());
        const std::string_view part = parts.substr(begin, dot - begin);
        const bool is_index =
            !part.empty() && part.size() < 10 &&
            std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
        TRY(const value name, space.make(path.str().part(begin, dot)));
        CHECK(step(is_index ? value(static_cast<integer>(std::stol(std::string(part)))) : name));
        begin = dot + 1;
    }
    return at;
}

}  // namespace penstock::worker::jinja
