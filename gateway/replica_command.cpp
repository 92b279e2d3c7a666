// `penstock replica …`: asks over HTTP, says it in a line.
#include "gateway/replica_command.hpp"

#include "gateway/settings/scalars.hpp"
#include "gateway/upstreams/ask.hpp"

#include <boost/json.hpp>

#include <iomanip>
#include <ostream>

namespace penstock::gateway {
namespace {

constexpr duration patience = std::chrono::seconds(10);
constexpr std::size_t answer_max = 16 * 1024 * 1024;
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

io::task<void> exchange_one(
    const replica_order& what, upstream& where, io::loop& home, result<small_answer>& got
) {
    io::channel channel;
    std::string headers = "Host: " + where.host_header() + "\r\n";
    if (!what.key.empty()) headers += "Authorization: Bearer " + what.key + "\r\n";
    const std::string path = path_of(what);
    const question asked{
        .method = what.verb == "list" ? "GET" : "POST",
        .path = path,
        .headers = headers,
        .answer_max = answer_max
    };
    const time_point deadline = after(io::loop::exact_now(), patience + what.wait);
    got = co_await ask(channel, home, where, asked, deadline);
    channel.close();
    home.stop();
}

result<small_answer> answer_to(const replica_order& what) {
    auto address = settings::parse_upstream(what.admin);
    if (address.has_error()) return error(errc::invalid_value, "--admin " + address.error());
    std::shared_ptr<const io::tls_context> tls;
    if (address.value().tls) {
        TRY(tls, io::tls_context::client({}));
    }
    std::vector<std::unique_ptr<io::loop>> loops;
    loops.push_back(std::make_unique<io::loop>());
    upstream where(std::move(address).value(), std::move(tls), loops, 0, {});
    if (where.needs_resolving()) {
        CHECK(where.resolve());
    }
    result<small_answer> got = error(errc::canceled);
    io::loop& home = *loops.front();
    home.post([&] {
        io::spawn(exchange_one(what, where, home, got), [&](const std::exception_ptr&) {
            home.stop();
        });
    });
    home.run();
    return got;
}

std::string text_in(const boost::json::object& o, std::string_view name) {
    const auto* value = o.if_contains(name);
    return value && value->is_string() ? std::string(value->as_string()) : "";
}

std::int64_t number_in(const boost::json::object& o, std::string_view name) {
    const auto* value = o.if_contains(name);
    return value && value->is_int64() ? value->as_int64() : -1;
}

std::string reason_in(const boost::json::value& body) {
    const auto* o = body.if_object();
    const auto* error = o ? o->if_contains("error") : nullptr;
    const auto* told = error ? error->if_object() : nullptr;
    return told ? text_in(*told, "message") : "";
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
    const auto answer = answer_to(what);
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
        const std::string reason = bad ? "" : reason_in(body);
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
