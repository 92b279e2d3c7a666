// Makes values within the limits and binds arguments to parameters.
#include "worker/text/jinja/workspace.hpp"

#include "worker/text/jinja/print.hpp"
#include "worker/text/jinja/unicode.hpp"

#include <algorithm>

namespace penstock::worker::jinja {

error fault(std::string what) {
    return {errc::invalid_value, std::move(what)};
}

error wrong_type(std::string_view what, const value& got) {
    if (got.is_undefined()) return undefined_fault(got);
    return fault(std::string(what) + ", not '" + std::string(type_name(got.what())) + "'");
}

result<void> workspace::charge(std::size_t steps) {
    if (steps > most_.steps - spent_)
        return fault("takes more than " + std::to_string(most_.steps) + " steps");
    spent_ += steps;
    return success();
}

result<void> workspace::check_size(std::size_t bytes) const {
    if (bytes > most_.output_bytes)
        return error(
            errc::context_length_exceeded,
            "makes more than " + std::to_string(most_.output_bytes) + " bytes of text"
        );
    return success();
}

result<void> workspace::enter() {
    if (nesting_ >= most_.depth) return fault("nests filters too deep");
    ++nesting_;
    return success();
}

error workspace::raise(std::string message) {
    has_raised_ = true;
    return fault(std::move(message));
}

result<value> workspace::make(text from) {
    CHECK(check_size(from.size()));
    CHECK(charge_bytes(from.size() + from.users.size() * 16));
    return value(&texts_.emplace_back(std::move(from)));
}

result<value> workspace::make_list(std::vector<value> items, kind what, std::string as) {
    CHECK(charge(1 + items.size()));
    list made;
    for (const value& item : items)
        made.size.take_in(item);
    if (made.size.depth > most_.depth)
        return fault("nests values deeper than " + std::to_string(most_.depth));
    made.items = std::move(items);
    made.prints_as = std::move(as);
    return value(what, &lists_.emplace_back(std::move(made)));
}

result<value> workspace::make_generator(std::vector<value> items) {
    TRY(const value all, make_list(std::move(items)));
    return value(&generators_.emplace_back(generator{all.as_list(), 0}));
}

result<value> workspace::make(dict from) {
    CHECK(charge(1 + from.entries.size()));
    if (from.size.depth > most_.depth)
        return fault("nests values deeper than " + std::to_string(most_.depth));
    return value(&dicts_.emplace_back(std::move(from)));
}

value workspace::make_bound(const value& self, const callable_row& row) {
    return value(&bounds_.emplace_back(bound_method{self, &row}));
}

value workspace::make_name_space() {
    return value(&name_spaces_.emplace_back());
}

value workspace::undefined(kind of, std::string name) {
    return value::undefined(of, &names_.emplace_back(std::move(name)));
}

error undefined_fault(const value& v) {
    const std::string& name = v.missing_name();
    switch (v.missing_of()) {
        case kind::builtin:
            return fault(name);
        case kind::absent:
            return fault("'" + name + "' is undefined");
        default:
            break;
    }
    const std::string object(object_name(v.missing_of()));
    return fault("'" + object + "' has no attribute " + repr_of(name));
}

result<std::vector<value>> iterate(workspace& space, const value& v) {
    std::vector<value> out;
    switch (v.what()) {
        case kind::list:
        case kind::tuple:
        case kind::range:
        case kind::view: {
            CHECK(space.charge(v.items().size()));
            return v.items();
        }
        case kind::undefined:
            return out;
        case kind::dict: {
            CHECK(space.charge(v.as_dict().entries.size()));
            for (const auto& [key, member] : v.as_dict().entries)
                out.push_back(key);
            return out;
        }
        case kind::generator: {
            generator& from = v.as_generator();
            CHECK(space.charge(from.all->items.size() - from.at));
            const auto rest = from.all->items.begin() + static_cast<std::ptrdiff_t>(from.at);
            out.assign(rest, from.all->items.end());
            from.at = from.all->items.size();
            return out;
        }
        case kind::string:
            for (std::size_t at = 0; at < v.bytes().size();) {
                const std::size_t begin = at;
                next_code_point(v.bytes(), at);
                TRY(const value one, space.make(v.str().part(begin, at)));
                out.push_back(one);
            }
            return out;
        default:
            return fault("'" + std::string(type_name(v.what())) + "' object is not iterable");
    }
}

const callable_row* find_row(std::span<const callable_row> rows, std::string_view name) noexcept {
    const auto found =
        std::find_if(rows.begin(), rows.end(), [&](const auto& row) { return row.name == name; });
    return found == rows.end() ? nullptr : &*found;
}

namespace {

std::vector<std::string_view> split_names(std::string_view names) {
    std::vector<std::string_view> out;
    while (!names.empty()) {
        const std::size_t comma = std::min(names.find(','), names.size());
        out.push_back(names.substr(0, comma));
        names.remove_prefix(std::min(comma + 1, names.size()));
    }
    return out;
}

}  // namespace

result<value> invoke(
    workspace& space, const callable_row& row, const value& self, arguments given
) {
    CHECK(space.charge(1));
    if (row.parameters == "*") {
        CHECK(space.enter());
        auto out = row.run(space, self, given);
        space.leave();
        return out;
    }
    const auto says = [&](std::string what) {
        return fault(std::string(row.name) + "() " + std::move(what));
    };
    const auto names = split_names(row.parameters);
    auto& bound = given.positional;
    if (bound.size() > names.size())
        return says("takes at most " + std::to_string(names.size()) + " arguments");
    bound.resize(names.size());
    for (const auto& [name, given_value] : given.named) {
        const auto at = std::find(names.begin(), names.end(), name);
        if (at == names.end())
            return says("got an unexpected keyword argument '" + std::string(name) + "'");
        value& place = bound[static_cast<std::size_t>(at - names.begin())];
        if (place.is_given())
            return says("got multiple values for argument '" + std::string(name) + "'");
        place = given_value;
    }
    for (unsigned i = 0; i < row.num_required; ++i)
        if (!bound[i].is_given())
            return says("is missing its argument '" + std::string(names[i]) + "'");
    given.named.clear();
    return row.run(space, self, given);
}

}  // namespace penstock::worker::jinja
