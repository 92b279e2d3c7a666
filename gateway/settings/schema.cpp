// Walks the settings' tree once and writes what each may be.
#include "gateway/settings/schema.hpp"

#include "gateway/settings/print.hpp"
#include "gateway/settings/reflect.hpp"
#include "gateway/settings/rules.hpp"

#include <boost/json.hpp>

namespace penstock::settings {

namespace {

namespace json = boost::json;

constexpr const char* variable = "\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}";

// How a number of each unit is written as text, and what it is called.
struct form {
    const char* name;
    const char* pattern;  // null: as digits only
    const char* description;
};

form form_of(unit in) {
    switch (in) {
        case unit::count:
            return {"variable", nullptr, "a number"};
        case unit::bytes:
            return {"size", "^[0-9]+(Ki|Mi|Gi|Ti)$", "bytes"};
        case unit::tokens:
            return {"tokens", "^[0-9]+[kM]$", "tokens, k = 1024"};
        case unit::share:
            return {"share", "^[0-9]+(\\.[0-9]+)?%$", "a share"};
        case unit::time:
            return {"duration", "^[0-9]+(ns|us|ms|s|m|h|d)$", "a duration"};
    }
    return {};
}

json::object reference(const std::string& name) {
    return {{"$ref", "#/$defs/" + name}};
}

class generator {
 public:
    json::object document() {
        root standard;
        json::object out{
            {"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "penstock.yaml"}
        };
        for (auto& member : record(std::get<tree::record>(tree::reflect(standard).as), ""))
            out.insert(member);
        definitions_["variable"] = json::object{{"type", "string"}, {"pattern", variable}};
        for (const unit in : {unit::bytes, unit::tokens, unit::share, unit::time}) {
            const form written = form_of(in);
            const json::object text{{"type", "string"}, {"pattern", written.pattern}};
            definitions_[written.name] = json::object{{"anyOf", {text, reference("variable")}}};
        }
        definitions_["text"] = text();
        out["$defs"] = definitions_;
        return out;
    }

 private:
    static json::object text() {
        const json::object from_file{
            {"type", "object"},
            {"properties", {{"file", {{"type", "string"}}}}},
            {"required", {"file"}},
            {"additionalProperties", false}
        };
        return {{"anyOf", {{{"type", "string"}}, from_file}}};
    }

    static json::object number(const tree::value& of, std::string_view key) {
        const range& allowed = range_of(key);
        const form written = form_of(allowed.in);
        json::array forms;
        if (allowed.in != unit::time)
            forms.push_back(
                {{"type", allowed.in == unit::share ? "number" : "integer"},
                 {"minimum", static_cast<std::uint64_t>(allowed.least)},
                 {"maximum", static_cast<std::uint64_t>(allowed.most)}}
            );
        forms.push_back(reference(written.name));
        const std::string standard = inline_text(of, key);
        const bool digits = standard.find_first_not_of("0123456789") == std::string::npos;
        return {
            {"anyOf", forms},
            {"description", std::string(written.description) + ", " + format_range(allowed)},
            {"default", digits ? json::value(std::stoull(standard)) : json::value(standard)}
        };
    }

    json::object record(const tree::record& of, const std::string& pattern) {
        json::object properties;
        json::array required;
        for (const tree::field& each : of.fields) {
            const std::string there =
                (pattern.empty() ? "" : pattern + '.') + std::string(each.name);
            properties[each.name] = value(each.of(of.object), there);
            if (trait_of(setting_key(there)).required) required.emplace_back(each.name);
        }
        json::object out{
            {"type", "object"}, {"properties", properties}, {"additionalProperties", false}
        };
        if (!required.empty()) out["required"] = required;
        return out;
    }

    // Pools and replicas stand at several places and are defined once.
    json::object shared(
        const tree::value& of, const std::string& pattern, const std::string& name
    ) {
        if (!definitions_.contains(name)) {
            json::object made = record(std::get<tree::record>(of.as), pattern);
            if (name == "replica") {
                made["anyOf"] = {{{"required", {"url"}}}, {{"required", {"worker"}}}};
                made = {{"anyOf", {{{"type", "string"}, {"description", "its url"}}, made}}};
            }
            definitions_[name] = made;
        }
        return reference(name);
    }

    json::object value(const tree::value& of, const std::string& pattern) {
        const std::string_view key = setting_key(pattern);
        if (key == "pools.*") return shared(of, pattern, "pool");
        if (key == "replicas[]") return shared(of, pattern, "replica");
        return std::visit([&](const auto& it) { return typed(of, it, pattern); }, of.as);
    }

    template <class Number>
    json::object typed(const tree::value& of, Number*, const std::string& pattern) {
        return number(of, setting_key(pattern));
    }
    json::object typed(const tree::value&, std::string* it, const std::string& pattern) {
        json::object out = reference("text");
        if (!trait_of(setting_key(pattern)).required) out["default"] = *it;
        return out;
    }
    json::object typed(const tree::value&, bool* it, const std::string&) {
        return {{"anyOf", {{{"type", "boolean"}}, reference("variable")}}, {"default", *it}};
    }
    json::object typed(const tree::value&, const tree::choice& it, const std::string&) {
        const json::array names(it.names.begin(), it.names.end());
        return {
            {"anyOf", {{{"enum", names}}, reference("variable")}},
            {"default", it.names[it.get(it.object)]}
        };
    }
    json::object typed(const tree::value&, const tree::list& it, const std::string& pattern) {
        const json::object items = value(it.append(it.object), pattern + "[]");
        return {{"type", {"array", "null"}}, {"items", items}};
    }
    json::object typed(const tree::value&, const tree::table& it, const std::string& pattern) {
        const json::object entries = value(it.add("*"), pattern + ".*");
        return {{"type", {"object", "null"}}, {"additionalProperties", entries}};
    }
    json::object typed(const tree::value&, const tree::maybe& it, const std::string& pattern) {
        return {
            {"anyOf", {{{"type", "null"}}, value(it.get(it.object), pattern)}}, {"default", nullptr}
        };
    }
    json::object typed(const tree::value&, const tree::record& it, const std::string& pattern) {
        return record(it, pattern);
    }

    json::object definitions_;
};

// Short values on one line, so that a changed setting is a changed line.
void write(std::string& out, const json::value& of, std::size_t indent) {
    const std::string flat = json::serialize(of);
    if (flat.size() + indent <= 96 || of.is_primitive()) {
        out += flat;
        return;
    }
    const std::string margin(indent + 2, ' ');
    const bool is_object = of.is_object();
    bool first = true;
    const auto begin = [&] {
        out += first ? "\n" : ",\n";
        out += margin;
        first = false;
    };
    out += is_object ? '{' : '[';
    if (is_object)
        for (const auto& [name, member] : of.get_object()) {
            begin();
            out += json::serialize(name) + ": ";
            write(out, member, indent + 2);
        }
    else
        for (const json::value& item : of.get_array()) {
            begin();
            write(out, item, indent + 2);
        }
    (out += '\n') += std::string(indent, ' ');
    out += is_object ? '}' : ']';
}

}  // namespace

std::string json_schema() {
    std::string out;
    write(out, generator().document(), 0);
    return out + '\n';
}

}  // namespace penstock::settings
