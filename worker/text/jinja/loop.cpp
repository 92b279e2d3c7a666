// What a template may ask of the loop it is in.
#include "worker/text/jinja/loop.hpp"

#include <algorithm>

namespace penstock::worker::jinja {
namespace {

result<value> cycle(workspace&, const value& self, const arguments& given) {
    if (given.positional.empty()) return fault("no items for cycling given");
    return given.positional[self.as_loop().at % given.positional.size()];
}

result<value> changed(workspace& space, const value& self, const arguments& given) {
    loop_state& loop = self.as_loop();
    if (loop.is_over) return fault("the loop is over");
    const auto& now = given.positional;
    for (const value& v : now) {
        CHECK(space.charge(extent_of(v).weight));
    }
    if (loop.has_seen &&
        std::equal(now.begin(), now.end(), loop.last_seen.begin(), loop.last_seen.end(), equal))
        return value(false);
    loop.has_seen = true;
    loop.last_seen = now;
    return value(true);
}

constexpr callable_row methods[] = {{"cycle", cycle, "*"}, {"changed", changed, "*"}};

}  // namespace

result<value> loop_attribute(workspace& space, loop_state& loop, const std::string& name) {
    const auto number = [](std::size_t n) { return value(static_cast<integer>(n)); };
    if (loop.is_over) return fault("the loop is over");
    const std::size_t size = loop.items.size();
    if (name == "index") return number(loop.at + 1);
    if (name == "index0") return number(loop.at);
    if (name == "revindex") return number(size - loop.at);
    if (name == "revindex0") return number(size - loop.at - 1);
    if (name == "first") return value(loop.at == 0);
    if (name == "last") return value(loop.at + 1 == size);
    if (name == "length") return number(size);
    if (name == "depth") return number(loop.depth + 1);
    if (name == "depth0") return number(loop.depth);
    if (name == "previtem")
        return loop.at == 0 ? space.undefined("there is no previous item")
                            : loop.items[loop.at - 1];
    if (name == "nextitem")
        return loop.at + 1 == size ? space.undefined("there is no next item")
                                   : loop.items[loop.at + 1];
    if (const callable_row* row = find_row(methods, name))
        return space.make_bound(value(&loop), *row);
    return value();
}

}  // namespace penstock::worker::jinja
