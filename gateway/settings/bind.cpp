// Walks document and settings side by side. Knows types, and of settings only what rules.cpp says.
#include "gateway/settings/bind.hpp"

#include "gateway/settings/rules.hpp"
#include "gateway/settings/substitute.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

namespace penstock::settings {

namespace {

constexpr std::string_view not_enforced =
    "not enforced by this version; refused rather than ignored";

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), 0);
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = row[0]++;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, replaced});
        }
    }
    return row.back();
}

std::string did_you_mean(std::string_view written, const tree::record& in) {
    if (written.size() > 64) return "";
    std::string_view closest;
    std::size_t least = std::max<std::size_t>(written.size() / 3, 1) + 1;
    for (const tree::field& each : in.fields)
        if (const std::size_t far = edit_distance(written, each.name); far < least) {
            least = far;
            closest = each.name;
        }
    return closest.empty() ? "" : "; did you mean `" + std::string(closest) + "`?";
}

std::string one_of(std::span<const std::string> names) {
    std::string text = "must be ";
    for (std::size_t i = 0; i < names.size(); ++i)
        text += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
    return text;
}

std::string_view what(unit in) {
    switch (in) {
        case unit::count:
            return "must be a whole number";
        case unit::bytes:
            return "must be a size in bytes, such as 4096, 16Ki or 32Mi";
        case unit::tokens:
            return "must be a number of tokens, such as 4096 or 8k";
        case unit::share:
            return "must be a share, such as 10% or 0.1";
        case unit::time:
            return "must be a duration with its unit, such as 500ms, 2s or 10m";
    }
    return "";
}

// A place in both: the path as written, the pattern that rules know, where mistakes stand.
struct place {
    std::string path;
    std::string pattern;
    position at;

    std::string_view key() const { return setting_key(pattern); }
    place member(std::string_view name, position where) const {
        const std::string dot = path.empty() ? "" : ".";
        return {path + dot + std::string(name), pattern + dot + std::string(name), where};
    }
    place entry(const std::string& name, position where) const {
        return {path + '.' + name, pattern + ".*", where};
    }
    place item(std::size_t i, position where) const {
        return {path + '[' + std::to_string(i) + ']', pattern + "[]", where};
    }
};

class binder {
 public:
    binder(const load_options& options, findings& out) : options_(options), out_(out) {}

    void bind(const node& from, const tree::value& to, const place& here) {
        if (!here.path.empty()) out_.wrote(here.path, here.at);
        std::visit([&](const auto& target) { fill(from, target, here); }, to.as);
    }

 private:
    void misread(const place& here, std::string message) {
        out_.misread(here.at, here.path, std::move(message));
    }

    // The text of a scalar, its variables replaced.
    std::optional<std::string> scalar(
        const node& from, const place& here, std::string_view wanted
    ) {
        if (from.is == node::kind::null) {
            misread(here, "has no value");
            return std::nullopt;
        }
        if (from.is != node::kind::scalar) {
            misread(here, std::string(wanted));
            return std::nullopt;
        }
        return taken(expand(from.text, options_), here);
    }

    std::optional<std::string> taken(substituted found, const place& here) {
        for (std::string& each : found.mistakes)
            misread(here, std::move(each));
        if (!found.mistakes.empty()) return std::nullopt;
        return std::move(found.text);
    }

    bool in_range(double number, const range& allowed, const place& here) {
        if (number >= allowed.least && number <= allowed.most) return true;
        misread(here, "must be " + format_range(allowed));
        return false;
    }

    template <class Parse, class Target>
    void number(const node& from, Target* to, const place& here, Parse parse) {
        const range& allowed = range_of(here.key());
        const auto text = scalar(from, here, what(allowed.in));
        if (!text) return;
        const auto parsed = parse(*text, allowed.in);
        if (!parsed) {
            // As written: what a variable stands for may be a secret.
            misread(
                here, std::string(what(allowed.in)) + ", not `" + from.text.substr(0, 40) + '`'
            );
            return;
        }
        const double size = [&] {
            if constexpr (std::is_same_v<Target, duration>)
                return static_cast<double>(parsed->count());
            else
                return static_cast<double>(*parsed);
        }();
        if (in_range(size, allowed, here)) *to = static_cast<Target>(*parsed);
    }

    void fill(const node& from, std::uint32_t* to, const place& here) {
        number(from, to, here, parse_amount);
    }
    void fill(const node& from, std::uint64_t* to, const place& here) {
        number(from, to, here, parse_amount);
    }
    void fill(const node& from, double* to, const place& here) {
        number(from, to, here, [](const std::string& text, unit) { return parse_share(text); });
    }
    void fill(const node& from, duration* to, const place& here) {
        number(from, to, here, [](const std::string& text, unit) { return parse_duration(text); });
    }

    void fill(const node& from, bool* to, const place& here) {
        const auto text = scalar(from, here, "must be true or false");
        if (!text) return;
        if (*text != "true" && *text != "false") return misread(here, "must be true or false");
        *to = *text == "true";
    }

    void fill(const node& from, const tree::choice& to, const place& here) {
        const auto text = scalar(from, here, one_of(to.names));
        if (!text) return;
        const auto found = std::find(to.names.begin(), to.names.end(), *text);
        if (found != to.names.end())
            return to.set(to.object, static_cast<std::size_t>(found - to.names.begin()));
        if (is_planned(std::string(here.key()) + '=' + *text))
            return misread(here, '`' + *text + "` is " + std::string(not_enforced));
        misread(here, one_of(to.names));
    }

    void fill(const node& from, std::string* to, const place& here) {
        const trait kind = trait_of(here.key());
        std::optional<std::string> text;
        const bool is_file = from.is == node::kind::map;
        if (is_file) {
            text = file_content(from, here);
        } else {
            text = scalar(from, here, "must be text");
        }
        if (!text) return;
        if (text->find('\0') != std::string::npos) return misread(here, "must not contain a NUL");
        if (kind.secret && *text == "<set>")
            return misread(here, "`<set>` is what is printed in place of a secret, not the secret");
        if (kind.secret && !is_file && from.text == *text && !text->empty())
            out_.warn(
                here.path, "a secret stands in the file; ${NAME} or {file: PATH} keeps it out"
            );
        if (kind.file && !text->empty())
            *text = absolute(options_.folder / *text).lexically_normal().string();
        *to = std::move(*text);
    }

    std::optional<std::string> file_content(const node& from, const place& here) {
        const bool named = from.entries.size() == 1 && from.entries[0].key == "file";
        if (!named) {
            misread(here, "must be text, ${NAME} or {file: PATH}");
            return std::nullopt;
        }
        const auto name = scalar(from.entries[0].value, here, "must be {file: PATH}");
        if (!name) return std::nullopt;
        return taken(content_of(options_.folder / *name), here);
    }

    void fill(const node& from, const tree::list& to, const place& here) {
        if (from.is == node::kind::null) return;
        if (from.is != node::kind::list) return misread(here, "must be a list, as in [a, b]");
        to.clear(to.object);
        for (std::size_t i = 0; i < from.items.size(); ++i)
            bind(from.items[i], to.append(to.object), here.item(i, from.items[i].at));
    }

    void fill(const node& from, const tree::table& to, const place& here) {
        if (from.is == node::kind::null) return;
        if (from.is != node::kind::map) return misread(here, "must be a mapping from names");
        for (const node::entry& each : from.entries)
            bind(each.value, to.add(each.key), here.entry(each.key, each.at));
    }

    void fill(const node& from, const tree::maybe& to, const place& here) {
        if (from.is != node::kind::null) bind(from, to.get(to.object), here);
    }

    void fill(const node& from, const tree::record& to, const place& here) {
        if (from.is == node::kind::scalar && here.key() == "replicas[]")
            return url_only(from, to, here);
        if (from.is != node::kind::map && from.is != node::kind::null)
            return misread(here, "must be a mapping of settings");
        for (const node::entry& each : from.entries) {
            const place there = here.member(each.key, each.at);
            const auto found =
                std::find_if(to.fields.begin(), to.fields.end(), [&](const tree::field& field) {
                    return field.name == each.key;
                });
            if (found != to.fields.end())
                bind(each.value, found->of(to.object), there);
            else if (is_planned(there.key()))
                misread(there, std::string(not_enforced));
            else
                misread(there, "there is no such setting" + did_you_mean(each.key, to));
        }
        for (const tree::field& field : to.fields) {
            const place there = here.member(field.name, here.at);
            const auto same = [&](const node::entry& each) { return each.key == field.name; };
            if (trait_of(there.key()).required &&
                std::none_of(from.entries.begin(), from.entries.end(), same))
                misread(there, "is missing");
        }
    }

    void url_only(const node& from, const tree::record& to, const place& here) {
        for (const tree::field& field : to.fields)
            if (field.name == "url") bind(from, field.of(to.object), here.member("url", here.at));
    }

    const load_options& options_;
    findings& out_;
};

}  // namespace

void bind(const node& document, root& settings, const load_options& options, findings& out) {
    binder(options, out).bind(document, tree::reflect(settings), {"", "", {1, 1}});
}

}  // namespace penstock::settings
