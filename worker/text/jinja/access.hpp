// What stands behind a dot and between brackets.
#pragma once

#include "worker/text/jinja/workspace.hpp"

#include <string>

namespace penstock::worker::jinja {

// `object.name`: the method or attribute of the type first, then the member. Undefined where there
// is neither; a fault of an undefined object. `name` outlives the rendering.
result<value> attribute_of(workspace& space, const value& object, const std::string& name);
// `object[key]`: the member first, then the attribute.
result<value> element_of(workspace& space, const value& object, const value& key);
// `object[begin:end:step]`; absent or none where nothing is given.
result<value> slice_of(
    workspace& space, const value& object, const value& begin, const value& end, const value& step
);
// "a.0.b": what filters take as `attribute`. `otherwise`, if given, stands for what is undefined.
result<value> follow_path(
    workspace& space, const value& object, const value& path, const value& otherwise
);

}  // namespace penstock::worker::jinja
