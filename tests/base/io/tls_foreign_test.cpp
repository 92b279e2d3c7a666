// TLS on channels against OpenSSL's own sockets: versions, ALPN, resumption, broken ends.
#include "tls_pair.hpp"

namespace penstock::io {
namespace {

TEST_F(tls, refuses_versions_before_1_2) {
    const context with = server(ca.issue("server"));
    for (const int version : {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION}) {
        auto [ours, theirs] = connected(transport::pair);
        outcome served;
        std::thread at_server([&, end = std::move(ours)]() mutable {
            served = serve(std::move(end), with, do_nothing);
        });
        foreign_client foreign(theirs.get());
        SSL_CTX_set_min_proto_version(foreign.made, version);
        SSL_CTX_set_max_proto_version(foreign.made, version);
        const bool well = version >= TLS1_2_VERSION;
        EXPECT_EQ(foreign.connect(), well) << std::hex << version;
        at_server.join();
        EXPECT_EQ(served.done, well);
        if (!well) {
            EXPECT_EQ(served.failed, errc::tls_failed);
        }
    }
}

TEST_F(tls, agrees_on_http_1_1_and_on_nothing_else) {
    const context with = server(ca.issue("server"));
    struct {
        std::string_view offered;
        bool well;
        std::string_view chosen;
    } const cases[] = {
        {"\x02h2\x08http/1.1", true, "http/1.1"}, {"", true, ""}, {"\x02h2", false, ""}
    };
    for (const auto& each : cases) {
        auto [ours, theirs] = connected(transport::pair);
        std::thread at_server([&, end = std::move(ours)]() mutable {
            serve(std::move(end), with, do_nothing);
        });
        foreign_client foreign(theirs.get());
        SSL_CTX_set_alpn_protos(
            foreign.made,
            reinterpret_cast<const unsigned char*>(each.offered.data()),
            static_cast<unsigned>(each.offered.size())
        );
        EXPECT_EQ(foreign.connect(), each.well) << each.offered;
        const unsigned char* name = nullptr;
        unsigned size = 0;
        SSL_get0_alpn_selected(foreign.session, &name, &size);
        EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(name), size), each.chosen);
        at_server.join();
    }
}

TEST_F(tls, takes_a_client_with_a_certificate_again_that_would_resume_its_session) {
    const identity alice = ca.issue("alice");
    const context with = server(ca.issue("server"), ca.file());
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        SSL_SESSION* session = nullptr;
        foreign_client foreign(-1);
        SSL_CTX_set_max_proto_version(foreign.made, version);
        SSL_CTX_use_certificate_chain_file(foreign.made, alice.certificate_file.c_str());
        BIO* key = BIO_new_mem_buf(alice.key_pem.data(), static_cast<int>(alice.key_pem.size()));
        EVP_PKEY* pkey = PEM_read_bio_PrivateKey(key, nullptr, nullptr, nullptr);
        SSL_CTX_use_PrivateKey(foreign.made, pkey);
        EVP_PKEY_free(pkey);
        BIO_free(key);
        for (int time = 0; time < 2; ++time) {
            auto [ours, theirs] = connected(transport::pair);
            std::thread at_server([&, end = std::move(ours)]() mutable {
                EXPECT_TRUE(serve(std::move(end), with, say_hello).done);
            });
            foreign.renew(theirs.get());
            foreign.resumed = session;
            EXPECT_TRUE(foreign.connect()) << std::hex << version << " time " << time;
            EXPECT_EQ(foreign.read(), "hello");
            EXPECT_FALSE(SSL_session_reused(foreign.session));
            SSL_SESSION_free(session);
            session = SSL_get1_session(foreign.session);
            at_server.join();
        }
        SSL_SESSION_free(session);
    }
}

TEST_F(tls, tells_a_connection_that_was_cut_from_one_that_ended) {
    const context with = server(ca.issue("server"));
    for (const bool properly : {false, true}) {
        auto [ours, theirs] = connected(transport::pair);
        const auto read_to_the_end = [properly](channel& mine) -> task<void> {
            co_await say_hello(mine);
            auto bytes = co_await mine.read();
            CO_REQUIRE(bytes.has_value());
            EXPECT_EQ(bytes.value(), "half of");
            bytes = co_await mine.read();
            if (properly) {
                EXPECT_TRUE(bytes.has_value() && bytes.value().empty());
            } else {
                CO_REQUIRE(bytes.has_error());
                EXPECT_EQ(bytes.error().code, errc::connection_reset);
            }
        };
        std::thread at_server([&, end = std::move(ours)]() mutable {
            EXPECT_TRUE(serve(std::move(end), with, read_to_the_end).done);
        });
        foreign_client foreign(theirs.get());
        EXPECT_TRUE(foreign.connect());
        EXPECT_EQ(foreign.read(), "hello");
        EXPECT_EQ(SSL_write(foreign.session, "half of", 7), 7);
        if (properly) SSL_shutdown(foreign.session);
        theirs.close();
        at_server.join();
    }
}

TEST_F(tls, aborts_without_saying_that_it_ended) {
    const context with = server(ca.issue("server"));
    for (const bool properly : {false, true}) {
        auto [ours, theirs] = connected(transport::pair);
        const auto end = [properly](channel& mine) -> task<void> {
            co_await say_hello(mine);
            properly ? mine.close() : mine.abort();
        };
        std::thread at_server([&, mine = std::move(ours)]() mutable {
            serve(std::move(mine), with, end);
        });
        foreign_client foreign(theirs.get());
        EXPECT_TRUE(foreign.connect());
        EXPECT_EQ(foreign.read(), "hello");
        EXPECT_EQ(foreign.read(), "");
        EXPECT_EQ(SSL_get_shutdown(foreign.session) == SSL_RECEIVED_SHUTDOWN, properly);
        at_server.join();
    }
}

TEST_F(tls, ends_a_handshake_that_is_cut_garbled_or_too_slow) {
    const context with = server(ca.issue("server"));
    for (const std::string_view said : {"", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\x16\x03\x01"}) {
        for (const bool closes : {true, false}) {
            auto [ours, theirs] = connected(transport::pair);
            loop home;
            channel mine = test::adopt(home, std::move(ours));
            send_all(theirs.get(), said);
            if (closes) ::shutdown(theirs.get(), SHUT_WR);
            const auto body = [](channel& mine, context with) -> task<void> {
                mine.set_deadline(loop::exact_now() + milliseconds(30));
                auto secured = co_await mine.start_tls(with, tls_session::role::server, {});
                EXPECT_TRUE(secured.has_error());
                EXPECT_FALSE(mine.is_tls());
            };
            run_on(home, body(mine, with));
        }
    }
}

}  // namespace
}  // namespace penstock::io
