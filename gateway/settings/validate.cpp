// Listeners, keys, time-outs and limits against each other.
#include "gateway/settings/validate.hpp"

#include "gateway/settings/address.hpp"
#include "gateway/settings/pem.hpp"
#include "gateway/settings/scalars.hpp"

#include <algorithm>
#include <map>

namespace penstock::settings {

namespace {

std::string at(std::string_view list, std::size_t i) {
    return std::string(list) + '[' + std::to_string(i) + ']';
}

// Where each value stood first, to say so when it comes again.
class seen_once {
 public:
    seen_once(findings& out, std::string what) : out_(out), what_(std::move(what)) {}
    void see(const std::string& value, const std::string& path) {
        const auto [first, fresh] = paths_.emplace(value, path);
        if (!fresh) out_.fault(path, what_ + " the same as " + first->second);
    }

 private:
    findings& out_;
    std::string what_;
    std::map<std::string, std::string> paths_;
};

void validate_server_tls(const tls_listen& tls, const std::string& path, findings& out) {
    const auto check_file = [&](const std::string& file, const std::string& member) {
        const std::string fault = certificate_fault(file);
        if (!fault.empty()) out.fault(path + member, fault);
        return fault.empty();
    };
    const bool right = check_file(tls.certificate, ".certificate");
    if (!tls.client_ca.empty()) check_file(tls.client_ca, ".client_ca");
    if (const std::string fault = private_key_fault(tls.key); !fault.empty())
        out.fault(path + ".key", fault);
    else if (right)
        if (const std::string odd = pair_fault(tls.certificate, tls.key); !odd.empty())
            out.fault(path + ".key", odd);
}

void validate_listeners(const root& settings, findings& out) {
    if (settings.listen.empty()) out.fault("listen", "must name at least one address");
    const bool open = settings.keys.empty() && !out.was_misread("keys");
    seen_once addresses(out, "is");
    const auto check = [&](const std::string& text, const std::string& path) {
        const auto parsed = parse_listen(text);
        if (!parsed) return out.fault(path, parsed.error());
        const bool any_port = parsed.value().port == 0 && !parsed.value().host.empty();
        if (!any_port) addresses.see(to_text(parsed.value()), path);
        if (open && !is_local(parsed.value()))
            out.fault(
                path,
                "must be loopback or a Unix socket while no `keys` are configured: everybody who "
                "reaches it could use every model"
            );
    };
    for (std::size_t i = 0; i < settings.listen.size(); ++i) {
        const std::string path = at("listen", i);
        check(settings.listen[i].address, path + ".address");
        if (settings.listen[i].tls)
            validate_server_tls(*settings.listen[i].tls, path + ".tls", out);
    }
    if (!settings.admin.address.empty()) check(settings.admin.address, "admin.address");
    if (open) out.warn("keys", "none: every request passes");
}

bool is_digest(std::string_view text) {
    return text.size() == 64 && text.find_first_not_of("0123456789abcdefABCDEF") == text.npos;
}

void validate_key_rights(
    const key& of,
    const std::string& path,
    const root& settings,
    const load_options& options,
    findings& out
) {
    for (std::size_t i = 0; i < of.models.size(); ++i) {
        if (settings.models.contains(of.models[i]) || out.was_misread("models")) continue;
        out.fault(
            at(path + ".models", i), "is not a model" + alias_hint(settings.models, of.models[i])
        );
    }
    validate_routes(of.routes, path + ".routes", options, out);
    if (of.classes.empty()) out.fault(path + ".classes", "must name at least one class");
    validate_classes(of.classes, path + ".classes", out);
}

void validate_keys(const root& settings, const load_options& options, findings& out) {
    seen_once names(out, "is");
    seen_once digests(out, "is");
    for (std::size_t i = 0; i < settings.keys.size(); ++i) {
        const key& each = settings.keys[i];
        const std::string path = at("keys", i);
        if (!is_id(each.name, "@"))
            out.fault(path + ".name", "must be 1 to 128 letters, digits, `.`, `_`, `-` or `@`");
        if (!each.tenant.empty() && !is_id(each.tenant, "@"))
            out.fault(path + ".tenant", "must be 1 to 128 letters, digits, `.`, `_`, `-` or `@`");
        names.see(each.name, path + ".name");
        if (!is_digest(each.sha256)) {
            out.fault(
                path + ".sha256",
                "must be 64 hex digits, the SHA-256 of the key: `penstock key new` prints both"
            );
        } else {
            std::string lower = each.sha256;
            for (char& c : lower)
                c = static_cast<char>(c | 0x20);
            digests.see(lower, path + ".sha256");
        }
        validate_key_rights(each, path, settings, options, out);
    }
}

// `path` must not be above `other_path`.
void at_most(
    const std::string& path,
    duration value,
    const std::string& other_path,
    duration other,
    findings& out
) {
    if (value > other)
        out.fault(
            path,
            "is " + format_duration(value) + ", which must not be above " + other_path + ", " +
                format_duration(other)
        );
}

void validate_times(const root& settings, findings& out) {
    const timeouts& t = settings.timeouts;
    at_most("timeouts.connect", t.connect, "timeouts.total", t.total, out);
    at_most("timeouts.first_byte", t.first_byte, "timeouts.total", t.total, out);
    at_most("timeouts.between_bytes", t.between_bytes, "timeouts.total", t.total, out);
}

// The longer of the two holds: who wrote the shorter one should know.
void validate_first_byte(const root& settings, findings& out) {
    if (!out.was_written("timeouts.first_byte")) return;
    const auto compare = [&](const class_limits& of, const char* path) {
        if (of.ttft <= settings.timeouts.first_byte) return;
        out.warn(
            "timeouts.first_byte",
            "is " + format_duration(settings.timeouts.first_byte) + ", which is below " + path +
                ", " + format_duration(of.ttft) + ": for this class the latter holds"
        );
    };
    compare(settings.classes.realtime, "classes.realtime.ttft");
    compare(settings.classes.bulk, "classes.bulk.ttft");
}

// What is guaranteed to one class cannot be guaranteed to the other.
void validate_floors(const classes& of, findings& out) {
    constexpr double rounding = 1e-9;
    if (of.realtime.floor + of.bulk.floor > 1 + rounding)
        out.fault(
            "classes.bulk.floor",
            "is " + format_share(of.bulk.floor) + ", which is more than classes.realtime.floor, " +
                format_share(of.realtime.floor) + ", leaves"
        );
}

void validate_sizes(const root& settings, findings& out) {
    const limits& l = settings.limits;
    const auto size = [](std::uint64_t n) { return format_amount(n, unit::bytes); };
    if (l.target > l.head)
        out.fault(
            "limits.target",
            "is " + size(l.target) + ", which must not be above limits.head, " + size(l.head)
        );
    if (l.body > l.bodies)
        out.fault(
            "limits.bodies",
            "is " + size(l.bodies) + ", which must hold one body of limits.body, " + size(l.body)
        );
}

constexpr std::size_t short_secret = 16;

void validate_master_key(const std::string& key, findings& out) {
    if (!is_one_word(key))
        out.fault("admin.master_key", "must be printable ASCII without spaces");
    else if (!key.empty() && key.size() < short_secret)
        out.warn("admin.master_key", "short enough to be guessed; `penstock key new` makes one");
}

void validate_paths(const root& settings, findings& out) {
    const auto check = [&](const std::string& text, const char* path) {
        if (!text.starts_with('/') || text.find_first_of(" \t\r\n#") != std::string::npos)
            out.fault(path, "must be a path that begins with `/`");
    };
    check(settings.health.path, "health.path");
    check(settings.health.scrape.path, "health.scrape.path");
}

}  // namespace

bool is_one_word(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

bool is_id(std::string_view text, std::string_view more) {
    return !text.empty() && text.size() <= 128 &&
           std::all_of(text.begin(), text.end(), [more](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '_' || c == '-' || more.find(c) != more.npos;
           });
}

void validate_routes(
    const std::vector<std::string>& routes,
    const std::string& path,
    const load_options& options,
    findings& out
) {
    for (std::size_t i = 0; i < routes.size(); ++i) {
        if (!routes[i].starts_with('/'))
            out.fault(at(path, i), "must be a route such as /v1/embeddings");
        else if (!options.routes.empty() &&
                 std::count(options.routes.begin(), options.routes.end(), routes[i]) == 0)
            out.fault(at(path, i), "is not a route of this gateway, in its longest spelling");
    }
}

void validate_classes(
    const std::vector<std::string>& classes, const std::string& path, findings& out
) {
    seen_once names(out, "is");
    for (std::size_t i = 0; i < classes.size(); ++i) {
        names.see(classes[i], at(path, i));
        if (classes[i] != "realtime" && classes[i] != "bulk")
            out.fault(at(path, i), "must be realtime or bulk");
    }
}

void validate(const root& settings, const load_options& options, findings& out) {
    validate_listeners(settings, out);
    validate_keys(settings, options, out);
    validate_master_key(settings.admin.master_key, out);
    validate_models(settings, options, out);
    validate_times(settings, out);
    validate_first_byte(settings, out);
    validate_floors(settings.classes, out);
    validate_sizes(settings, out);
    validate_paths(settings, out);
    validate_worker_program(settings.worker, out);
}

}  // namespace penstock::settings
