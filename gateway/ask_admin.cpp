// One request to the admin API of a gateway that runs.
#include "gateway/ask_admin.hpp"

#include "gateway/settings/address.hpp"

#include <boost/json.hpp>

#include <memory>
#include <vector>

namespace penstock::gateway {
namespace {

constexpr std::size_t answer_max = 16 * 1024 * 1024;

io::task<void> exchange_one(
    const admin_question& what, upstream& where, io::loop& home, result<small_answer>& got
) {
    io::channel channel;
    std::string headers = "Host: " + where.host_header() + "\r\n";
    if (!what.key.empty()) headers += "Authorization: Bearer " + what.key + "\r\n";
    const question asked{
        .method = what.method,
        .path = what.path,
        .headers = headers,
        .body = what.body,
        .answer_max = answer_max
    };
    const time_point deadline = after(io::loop::exact_now(), what.patience);
    got = co_await ask(channel, home, where, asked, deadline);
    channel.close();
    home.stop();
}

}  // namespace

result<small_answer> ask_admin(const admin_question& what) {
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

std::string reason_in(std::string_view body) {
    boost::system::error_code bad;
    const auto value = boost::json::parse(body, bad);
    const auto* o = bad ? nullptr : value.if_object();
    const auto* error = o ? o->if_contains("error") : nullptr;
    const auto* told = error ? error->if_object() : nullptr;
    const auto* message = told ? told->if_contains("message") : nullptr;
    return message && message->is_string() ? std::string(message->as_string()) : "";
}

}  // namespace penstock::gateway
