// Order and membership.
#include "worker/text/jinja/find_bytes.hpp"
#include "worker/text/jinja/operators.hpp"

#include <algorithm>
#include <cmath>

namespace penstock::worker::jinja {
namespace {

error without_order(const value& a, const value& b) {
    if (a.is_undefined()) return undefined_fault(a);
    if (b.is_undefined()) return undefined_fault(b);
    return fault(
        "'<' is not supported between '" + std::string(type_name(a.what())) + "' and '" +
        std::string(type_name(b.what())) + "'"
    );
}

result<void> charge_walk(workspace& space, const value& a, const value& b) {
    const std::uint64_t weight = std::min(extent_of(a).weight, extent_of(b).weight);
    if (a.is_string() && b.is_string())
        return space.charge_bytes(std::min(a.bytes().size(), b.bytes().size()));
    return space.charge(weight);
}

// Whole and real numbers, exactly, as Python orders them.
bool less_numbers(const value& a, const value& b) noexcept {
    if (a.is_whole() && b.is_whole()) return a.whole() < b.whole();
    const auto real = [](const value& v) {
        return v.is_whole() ? static_cast<long double>(v.whole()) : v.real();
    };
    return real(a) < real(b);
}

}  // namespace

result<bool> less(workspace& space, const value& a, const value& b) {
    CHECK(charge_walk(space, a, b));
    if (a.is_number() && b.is_number()) return less_numbers(a, b);
    if (a.what() != b.what()) return without_order(a, b);
    if (a.is_string()) return a.bytes() < b.bytes();
    if (!a.is(kind::list) && !a.is(kind::tuple)) return without_order(a, b);
    const std::size_t common = std::min(a.items().size(), b.items().size());
    for (std::size_t i = 0; i < common; ++i)
        if (!equal(a.items()[i], b.items()[i])) return less(space, a.items()[i], b.items()[i]);
    return a.items().size() < b.items().size();
}

result<bool> contains(workspace& space, const value& whole, const value& part) {
    switch (whole.what()) {
        case kind::string: {
            if (!part.is_string())
                return wrong_type("'in <string>' needs a string as left operand", part);
            CHECK(space.charge_bytes(whole.bytes().size()));
            return find_bytes(whole.bytes(), part.bytes()) != std::string_view::npos;
        }
        case kind::dict: {
            if (part.is(kind::list) || part.is(kind::dict))
                return fault("unhashable type: '" + std::string(type_name(part.what())) + "'");
            CHECK(space.charge(whole.as_dict().entries.size() / 8));
            return whole.as_dict().find(part) != nullptr;
        }
        case kind::undefined:
            return false;
        case kind::list:
        case kind::tuple:
        case kind::range:
        case kind::view:
        case kind::generator: {
            TRY(const std::vector<value> items, iterate(space, whole));
            for (const value& item : items) {
                CHECK(charge_walk(space, item, part));
                if (equal(item, part)) return true;
            }
            return false;
        }
        default:
            return fault(
                "argument of type '" + std::string(type_name(whole.what())) + "' is not iterable"
            );
    }
}

result<bool> compare(workspace& space, sign what, const value& a, const value& b) {
    switch (what) {
        case sign::in:
            return contains(space, b, a);
        case sign::not_in: {
            TRY(const bool found, contains(space, b, a));
            return !found;
        }
        case sign::equal:
        case sign::not_equal: {
            CHECK(charge_walk(space, a, b));
            return equal(a, b) == (what == sign::equal);
        }
        case sign::less:
            return less(space, a, b);
        case sign::greater:
            return less(space, b, a);
        default:
            break;
    }
    const bool is_nan =
        (a.is(kind::real) && std::isnan(a.real())) || (b.is(kind::real) && std::isnan(b.real()));
    TRY(const bool other, what == sign::less_equal ? less(space, b, a) : less(space, a, b));
    return !other && !is_nan;
}

result<void> sort_by_keys(
    workspace& space, std::vector<std::pair<value, value>>& keyed, bool reversed
) {
    // A merge sort of our own: the comparison may fail, which std::sort has no way to say.
    std::vector<std::pair<value, value>> other(keyed.size());
    for (std::size_t width = 1; width < keyed.size(); width *= 2) {
        for (std::size_t begin = 0; begin < keyed.size(); begin += 2 * width) {
            const std::size_t middle = std::min(begin + width, keyed.size());
            const std::size_t end = std::min(begin + 2 * width, keyed.size());
            std::size_t left = begin, right = middle;
            for (std::size_t to = begin; to < end; ++to) {
                bool from_right = left == middle;
                if (left != middle && right != end) {
                    const value& a = keyed[left].first;
                    const value& b = keyed[right].first;
                    TRY(from_right, reversed ? less(space, a, b) : less(space, b, a));
                }
                other[to] = keyed[from_right ? right++ : left++];
            }
        }
        keyed.swap(other);
    }
    return success();
}

}  // namespace penstock::worker::jinja
