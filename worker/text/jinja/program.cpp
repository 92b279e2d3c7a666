// Parses a template, and gives its names their values.
#include "worker/text/jinja/program.hpp"

#include "worker/text/jinja/filters.hpp"
#include "worker/text/jinja/interpreter.hpp"
#include "worker/text/jinja/parser.hpp"

namespace penstock::worker::jinja {
namespace {

namespace json = boost::json;

class importer {
 public:
    importer(workspace& space, bool is_users) : space_(space), is_users_(is_users) {}

    result<value> read(const json::value& from, std::size_t depth) {
        if (depth > space_.most().depth)
            return fault("nests values deeper than " + std::to_string(space_.most().depth));
        switch (from.kind()) {
            case json::kind::null:
                return value::none();
            case json::kind::bool_:
                return value(from.get_bool());
            case json::kind::int64:
                return value(static_cast<integer>(from.get_int64()));
            case json::kind::uint64:
                return value(static_cast<integer>(from.get_uint64()));
            case json::kind::double_:
                return value(from.get_double());
            case json::kind::string:
                return read_string(from.get_string());
            case json::kind::array:
                return read_array(from.get_array(), depth);
            case json::kind::object:
                return read_object(from.get_object(), depth);
        }
        return fault("a value of no kind");
    }

 private:
    result<value> read_string(std::string_view from) {
        return space_.make(text::like(from, is_users_));
    }

    result<value> read_array(const json::array& from, std::size_t depth) {
        std::vector<value> items;
        items.reserve(from.size());
        for (const json::value& item : from) {
            TRY(const value v, read(item, depth + 1));
            items.push_back(v);
        }
        return space_.make_list(std::move(items));
    }

    result<value> read_object(const json::object& from, std::size_t depth) {
        dict out;
        out.entries.reserve(from.size());
        for (const auto& member : from) {
            TRY(const value key, read_string(member.key()));
            TRY(const value v, read(member.value(), depth + 1));
            out.entries.emplace_back(key, v);  // keys of an object are different already
            out.size.take_in(key);
            out.size.take_in(v);
        }
        return space_.make(std::move(out));
    }

    workspace& space_;
    bool is_users_;
};

result<std::vector<value>> globals_of(
    const syntax_tree& tree,
    workspace& space,
    const json::object& constants,
    const json::object& values
) {
    std::vector<value> out(tree.names.size());
    for (std::size_t i = 0; i < out.size(); ++i) {
        const std::string& name = tree.names[i];
        if (const json::value* given = values.if_contains(name)) {
            TRY(out[i], importer(space, true).read(*given, 1));
        } else if (const json::value* constant = constants.if_contains(name)) {
            TRY(out[i], importer(space, false).read(*constant, 1));
        } else if (const callable_row* row = find_global(name)) {
            out[i] = value(row);
        }
    }
    return out;
}

}  // namespace

result<program> program::parse(
    std::string_view source, json::object constants, const limits& most
) {
    program out;
    out.constants_ = std::move(constants);
    out.most_ = most;
    TRY(out.tree_, jinja::parse(source, most.depth));
    return out;
}

result<text> program::render(const json::object& values, std::chrono::system_clock::time_point now)
    const {
    workspace space(most_, now);
    TRY(std::vector<value> globals, globals_of(*tree_, space, constants_, values));
    interpreter run(*tree_, space, std::move(globals));
    text out;
    const auto done = run.run(out);
    if (!done.has_error()) return out;
    if (space.has_raised()) return done.error();
    return error(done.error().code, fault_at(run.line(), done.error().detail).detail);
}

}  // namespace penstock::worker::jinja
