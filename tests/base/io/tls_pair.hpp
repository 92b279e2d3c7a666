// Two channels that meet over TLS, and the authorities that vouch for them.
#pragma once

#include "penstock/io/tls.hpp"
#include "support/authority.hpp"
#include "support/on_loop.hpp"
#include "transports.hpp"

#include <openssl/ssl.h>

#include <csignal>
#include <fstream>
#include <functional>
#include <thread>

namespace penstock::io {

using namespace test;
using std::chrono::milliseconds;
using context = std::shared_ptr<const tls_context>;

struct outcome {
    bool done = false;
    errc failed = errc::count_;
    std::string detail;
};

inline task<void> secure(
    channel& mine, context with, tls_session::role role, std::string host, outcome& out
) {
    mine.set_deadline(after(loop::exact_now(), patience));
    auto secured = co_await mine.start_tls(std::move(with), role, std::move(host));
    out.done = secured.has_value();
    if (secured.has_error()) {
        out.failed = secured.error().code;
        out.detail = secured.error().detail;
        mine.close();
    }
    // With TLS 1.3 a client learns only from its first read that its certificate was refused.
    if (role == tls_session::role::client && out.done) {
        auto hello = co_await mine.read();
        out.done = hello.has_value() && hello.value() == "hello";
        if (hello.has_error()) out.failed = hello.error().code;
    } else if (out.done) {
        auto sent = co_await mine.send("hello");
        out.done = sent.has_value();
    }
}

class tls : public testing::Test {
 protected:
    // OpenSSL's own sockets write without MSG_NOSIGNAL.
    tls() : ca(folder / ".", "ca"), other_ca(folder / ".", "other") { ::signal(SIGPIPE, SIG_IGN); }

    static context good(result<context> made) {
        EXPECT_TRUE(made.has_value());
        return made.has_value() ? std::move(made).value() : nullptr;
    }
    context server(const identity& who, const std::string& client_ca = {}) {
        return good(tls_context::server({who.certificate_file, who.key_pem, client_ca}));
    }
    context client(const std::string& ca_file, bool verify = true, const identity& who = {}) {
        return good(tls_context::client({ca_file, verify, who.certificate_file, who.key_pem}));
    }

    // Shakes hands, passes one word to the client, and lets `after` look at both ends.
    std::pair<outcome, outcome> meet(
        context server,
        context client,
        std::string host,
        std::function<void(channel&, channel&)> after = {}
    ) {
        loop home;
        auto [one, two] = connected(transport::pair);
        channel at_server = test::adopt(home, std::move(one));
        channel at_client = test::adopt(home, std::move(two));
        std::pair<outcome, outcome> out;
        bool server_ended = false;
        spawn(
            secure(at_server, std::move(server), tls_session::role::server, {}, out.first),
            [&](std::exception_ptr) { server_ended = true; }
        );
        const auto rest = [](loop& home, auto client, bool& server_ended) -> task<void> {
            co_await std::move(client);
            co_await until(home, [&] { return server_ended; });
        };
        run_on(
            home,
            rest(
                home,
                secure(at_client, std::move(client), tls_session::role::client, host, out.second),
                server_ended
            )
        );
        if (after) after(at_server, at_client);
        return out;
    }

    temporary_folder folder;
    authority ca, other_ca;
};

// ── a foreign peer ──────────────────────────────────────────────────────────────────────────────

// OpenSSL's own client on a blocking socket, as wide open as the case wants it.
struct foreign_client {
    explicit foreign_client(int fd) : fd(fd), made(SSL_CTX_new(TLS_client_method())) {
        SSL_CTX_set_security_level(made, 0);
    }
    ~foreign_client() {
        SSL_free(session);
        SSL_CTX_free(made);
    }
    void renew(int fd) {
        SSL_free(session);
        session = nullptr;
        this->fd = fd;
    }
    bool connect() {
        session = SSL_new(made);
        SSL_set_fd(session, fd);
        if (resumed) SSL_set_session(session, resumed);
        return SSL_connect(session) == 1;
    }
    std::string read() {
        char bytes[4096];
        const int size = SSL_read(session, bytes, sizeof bytes);
        return {bytes, static_cast<std::size_t>(std::max(size, 0))};
    }
    int fd;
    SSL_CTX* made;
    SSL* session = nullptr;
    SSL_SESSION* resumed = nullptr;
};

// A server's channel on a loop of its own thread, which does `then` once hands are shaken.
template <class Then>
outcome serve(descriptor end, context with, Then then) {
    loop home;
    channel mine = test::adopt(home, std::move(end));
    outcome out;
    const auto body = [](channel& mine, context with, outcome& out, Then then) -> task<void> {
        mine.set_deadline(after(loop::exact_now(), patience));
        auto secured = co_await mine.start_tls(std::move(with), tls_session::role::server, {});
        out.done = secured.has_value();
        if (secured.has_error()) {
            out.failed = secured.error().code;
            co_return;
        }
        co_await then(mine);
    };
    run_on(home, body(mine, std::move(with), out, std::move(then)));
    return out;
}

inline const auto do_nothing = [](channel&) -> task<void> { co_return; };
inline const auto say_hello = [](channel& mine) -> task<void> {
    auto sent = co_await mine.send("hello");
    EXPECT_TRUE(sent.has_value());
};

}  // namespace penstock::io
