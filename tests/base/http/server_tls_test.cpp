// Connections of the server over TLS.
#include "penstock/http/server.hpp"
#include "running_server.hpp"
#include "support/authority.hpp"

#include <openssl/ssl.h>

#include <cstdlib>
#include <filesystem>

namespace penstock::http {
namespace {

using namespace test;

constexpr std::string_view crlf2 = "\r\n\r\n";

// What was encrypted may still wait for the kernel when the handler has returned.
TEST(server, sends_all_of_its_last_answer_to_a_slow_client_over_tls) {
    std::string folder = "/tmp/penstock-http-XXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    authority ca(folder, "ca");
    const identity who = ca.issue("server");
    auto context = io::tls_context::server({who.certificate_file, who.key_pem, {}});
    std::filesystem::remove_all(folder);
    ASSERT_TRUE(context.has_value());

    constexpr std::size_t blocks = 200;
    std::atomic<bool> written{false};
    running_server at(
        [&](exchange& x) -> io::task<void> {
            x.start(200, {}, "", std::nullopt);
            const std::string block(64 * 1024, 'b');
            const std::string_view piece = block;
            for (std::size_t i = 1; i <= blocks; ++i) {
                auto all = x.write_now({&piece, 1}, i == blocks);
                if (all.has_error()) co_return;
                if (i == blocks) break;
                if (!all.value()) {
                    auto drained = co_await x.drain();
                    if (drained.has_error()) co_return;
                }
            }
            written = true;
        },
        {},
        context.value()
    );
    const descriptor socket = connect_tcp(at.port(), 4096);
    const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> made(
        SSL_CTX_new(TLS_client_method()), SSL_CTX_free
    );
    const std::unique_ptr<SSL, void (*)(SSL*)> session(SSL_new(made.get()), SSL_free);
    SSL_set_fd(session.get(), socket.get());
    ASSERT_EQ(SSL_connect(session.get()), 1);
    const std::string_view asked = "GET / HTTP/1.0\r\n\r\n";
    SSL_write(session.get(), asked.data(), static_cast<int>(asked.size()));
    std::string got, part(64 * 1024, '\0');
    for (int size = 1; size > 0;) {
        size = SSL_read(session.get(), part.data(), static_cast<int>(part.size()));
        if (size > 0) got.append(part, 0, static_cast<std::size_t>(size));
    }
    EXPECT_EQ(got.size() - got.find(crlf2) - 4, blocks * 64 * 1024);
    EXPECT_EQ(SSL_get_shutdown(session.get()), SSL_RECEIVED_SHUTDOWN);
    EXPECT_TRUE(written);
}

}  // namespace
}  // namespace penstock::http
