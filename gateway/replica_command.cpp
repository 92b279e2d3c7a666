// `penstock replica …`: asks over HTTP, says it in a line.
#include "gateway/replica_command.hpp"

#include "gateway/ask_admin.hpp"
#include "gateway/settings/scalars.hpp"

#include <boost/json.hpp>

#include <iomanip>
#include <ostream>

namespace penstock::gateway {
namespace {

constexpr duration patience = std::chrono::seconds(10);
constexpr std::string_view self = "penstock replica: ";

// Ids hold slashes, which stay; everything else that a URL gives a meaning to is encoded.
std::string encoded(std::string_view id) {
    constexpr std::string_view hex = "0123456789ABCDEF";
    std::string text;
    for (const char c : id) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') ||
                           std::string_view("/:._-").find(c) != std::string_view::npos;
        if (plain) {
            text += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        text += '%';
        text += hex[byte >> 4];
        text += hex[byte & 15];
    }
    return text;
}

std::string path_of(const replica_order& what) {
    if (what.verb == "list") return "/admin/replicas";
    std::string path = "/admin/replicas/" + encoded(what.id) + "/" + what.verb;
    if (what.wait > duration::zero()) path += "?wait=" + settings::format_duration(what.wait);
    return path;
}

std::string text_in(const boost::json::object& o, std::string_view name) {
    const auto* value = o.if_contains(name);
    return value && value->is_string() ? std::string(value->as_string()) : "";
}

std::int64_t number_in(const boost::json::object& o, std::string_view name) {
    const auto* value = o.if_contains(name);
    return value && value->is_int64() ? value->as_int64() : -1;
}

void print(const boost::json::object& replica, std::ostream& out) {
    out << std::left << std::setw(9) << text_in(replica, "state") << ' ' << std::right
        << std::setw(5) << number_in(replica, "in_flight") << " in flight of " << std::left
        << std::setw(5) << number_in(replica, "slots") << ' ' << text_in(replica, "id") << '\n';
}

// False: it is no answer of a gateway.
bool print_all(const boost::json::value& body, std::ostream& out) {
    const auto* o = body.if_object();
    if (!o) return false;
    const auto* all = o->if_contains("replicas");
    if (!all) {
        if (text_in(*o, "id").empty()) return false;
        print(*o, out);
        return true;
    }
    if (!all->is_array()) return false;
    for (const auto& each : all->as_array())
        if (const auto* replica = each.if_object()) print(*replica, out);
    return true;
}

}  // namespace

replica_exit order_replica(const replica_order& what, std::ostream& out, std::ostream& err) {
    const auto answer = ask_admin(
        {.admin = what.admin,
         .key = what.key,
         .method = what.verb == "list" ? "GET" : "POST",
         .path = path_of(what),
         .patience = patience + what.wait}
    );
    if (answer.has_error()) {
        const auto& why = answer.error();
        err << self << what.admin << ": " << describe(why.code).label
            << (why.detail.empty() ? "" : ", " + why.detail) << '\n';
        return replica_exit::not_reached;
    }
    boost::system::error_code bad;
    const auto body = boost::json::parse(answer.value().body, bad);
    const int status = answer.value().status;
    if (status != 200) {
        const std::string reason = reason_in(answer.value().body);
        err << self << (reason.empty() ? "no answer of a gateway" : reason) << " (status " << status
            << ")\n";
        return reason.empty() ? replica_exit::not_reached : replica_exit::refused;
    }
    if (bad || !print_all(body, out)) {
        err << self << what.admin << " answers, but not as a gateway does\n";
        return replica_exit::not_reached;
    }
    const bool waited = what.verb == "drain" && what.wait > duration::zero();
    const bool busy = waited && number_in(body.as_object(), "in_flight") != 0;
    return busy ? replica_exit::still_busy : replica_exit::done;
}

}  // namespace penstock::gateway
