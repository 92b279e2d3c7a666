// What a reload may change of a listener, and what never.
#include "gateway/running_gateway.hpp"
#include "support/authority.hpp"

#include <gmock/gmock.h>
#include <openssl/ssl.h>

#include <csignal>

namespace penstock::gateway {
namespace {

using testing::HasSubstr;

constexpr std::string_view tcp = "127.0.0.1:0";

// What came back over TLS, and the serial number of the server's certificate; zero: no handshake.
struct tls_answer {
    std::string text;
    long serial = 0;
};

class reload_of_listeners : public testing::Test {
 protected:
    // OpenSSL's own sockets write without MSG_NOSIGNAL.
    reload_of_listeners() : folder_(make_folder()), ca_(folder_, "ca") {
        ::signal(SIGPIPE, SIG_IGN);
        renew();
        const auto client = ca_.issue("client");
        std::filesystem::rename(client.certificate_file, folder_ + "/client.pem");
        std::ofstream(folder_ + "/client.key") << client.key_pem;
    }
    ~reload_of_listeners() override { std::filesystem::remove_all(folder_); }

    // Another certificate in the files of the same names.
    void renew() {
        const auto made = ca_.issue("server", "IP:127.0.0.1");
        std::filesystem::rename(made.certificate_file, folder_ + "/server.pem");
        std::ofstream(folder_ + "/server.key") << made.key_pem;
    }
    std::string socket() const { return folder_ + "/plain.sock"; }
    std::string plain(std::string_view address) const {
        return "{address: '" + std::string(address) + "'}";
    }
    std::string plain() const { return plain("unix:" + socket()); }
    std::string tls() const {
        return "{address: '" + std::string(tcp) + "', tls: {certificate: " + folder_ +
               "/server.pem, key: {file: " + folder_ + "/server.key}, client_ca: " + ca_.file() +
               "}}";
    }
    // One thread: what it does after a reload, all of them do.
    std::string settings(const std::string& listen, std::string_view model = "chat") const {
        return "threads: 1\nlisten: [" + listen + "]\nmodels: {" + std::string(model) +
               ": {replicas: [" + replica_of(upstream_) + "]}}\n";
    }

    tls_answer over_tls(std::uint16_t port, bool with_certificate = true) const {
        const auto socket = test::connect_tcp(port);
        const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> made(
            SSL_CTX_new(TLS_client_method()), SSL_CTX_free
        );
        if (with_certificate) {
            const std::string name = folder_ + "/client";
            SSL_CTX_use_certificate_file(made.get(), (name + ".pem").c_str(), SSL_FILETYPE_PEM);
            SSL_CTX_use_PrivateKey_file(made.get(), (name + ".key").c_str(), SSL_FILETYPE_PEM);
        }
        const std::unique_ptr<SSL, void (*)(SSL*)> session(SSL_new(made.get()), SSL_free);
        SSL_set_fd(session.get(), socket.get());
        if (SSL_connect(session.get()) != 1) return {};
        const std::unique_ptr<X509, void (*)(X509*)> peer(
            SSL_get1_peer_certificate(session.get()), X509_free
        );
        tls_answer got{.serial = ASN1_INTEGER_get(X509_get0_serialNumber(peer.get()))};
        const std::string asked = test::get("/v1/models", {{"Connection", "close"}});
        SSL_write(session.get(), asked.data(), static_cast<int>(asked.size()));
        std::string part(16 * 1024, '\0');
        for (int size = 1; size > 0;) {
            size = SSL_read(session.get(), part.data(), static_cast<int>(part.size()));
            got.text.append(part, 0, static_cast<std::size_t>(std::max(size, 0)));
        }
        return got;
    }
    static std::string models_at(test_client client) {
        return client.exchange(test::get("/v1/models")).body;
    }
    // The TLS listener has read the newest settings when it shows their model.
    bool shows(std::uint16_t port, std::string_view model) const {
        return eventually([&] {
            return over_tls(port).text.find("\"" + std::string(model) + "\"") != std::string::npos;
        });
    }

 private:
    static std::string make_folder() {
        std::string name = (std::filesystem::temp_directory_path() / "penstock-XXXXXX").string();
        if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp");
        return name;
    }

    std::string folder_;
    test::authority ca_;
    scripted_upstream upstream_;
};

TEST_F(reload_of_listeners, that_lists_fewer_opens_no_tls_listener_to_plain_text) {
    running_gateway g(settings(plain() + ", " + tls()));
    ASSERT_TRUE(g.reload(settings(tls(), "new")));
    ASSERT_TRUE(shows(g.port(1), "new"));
    EXPECT_THAT(models_at(test_client(socket())), HasSubstr("\"new\"")) << "it stays plain";
    EXPECT_EQ(test_client(g.port(1)).exchange(test::get("/v1/models")).status, 0);
    EXPECT_EQ(over_tls(g.port(1), false).text, "") << "it still asks for a certificate";
}

TEST_F(reload_of_listeners, that_lists_other_addresses_keeps_each_as_it_was_started) {
    running_gateway g(settings(tls()));
    const long serial = over_tls(g.port()).serial;
    ASSERT_TRUE(g.reload(settings(plain(), "new")));
    ASSERT_TRUE(shows(g.port(), "new"));
    EXPECT_EQ(over_tls(g.port()).serial, serial);
    EXPECT_EQ(test_client(g.port()).exchange(test::get("/v1/models")).status, 0);
}

TEST_F(reload_of_listeners, takes_the_renewed_certificate_of_an_address_wherever_it_stands) {
    running_gateway g(settings(tls() + ", " + plain()));
    const long old = over_tls(g.port()).serial;
    renew();
    ASSERT_TRUE(g.reload(settings(plain() + ", " + tls())));
    EXPECT_TRUE(eventually([&] {
        const long now = over_tls(g.port()).serial;
        return now != 0 && now != old;
    }));
    EXPECT_THAT(models_at(test_client(socket())), HasSubstr("\"chat\""));
}

TEST_F(reload_of_listeners, never_turns_tls_into_plain_text_nor_plain_text_into_tls) {
    running_gateway was_tls(settings(tls()));
    ASSERT_TRUE(was_tls.reload(settings(plain(tcp), "new")));
    ASSERT_TRUE(shows(was_tls.port(), "new"));
    EXPECT_EQ(test_client(was_tls.port()).exchange(test::get("/v1/models")).status, 0);

    running_gateway was_plain(settings(plain(tcp)));
    ASSERT_TRUE(was_plain.reload(settings(tls(), "new")));
    EXPECT_TRUE(eventually([&] {
        return models_at(test_client(was_plain.port())).find("\"new\"") != std::string::npos;
    }));
}

TEST_F(reload_of_listeners, says_nothing_in_plain_text_to_a_tls_connection_too_many) {
    running_gateway g("limits: {connections: 1}\n" + settings(plain() + ", " + tls()));
    test_client holds(socket());
    ASSERT_EQ(holds.exchange(test::get("/v1/models")).status, 200);
    EXPECT_EQ(test_client(socket()).read_response().status, 503);
    const auto got = test_client(g.port(1)).read_response();
    EXPECT_EQ(got.status, 0);
    EXPECT_EQ(got.head, "");
}

TEST(reload, lets_more_connections_in_when_the_new_settings_do) {
    scripted_upstream upstream;
    const auto at_most = [&](int n) {
        return "limits: {connections: " + std::to_string(n) + "}\n" + chat_model(upstream);
    };
    running_gateway g(at_most(1));
    test_client holds(g.port());
    ASSERT_EQ(holds.exchange(chat_request()).status, 200);
    EXPECT_EQ(test_client(g.port()).read_response().status, 503);
    ASSERT_TRUE(g.reload(at_most(100)));
    EXPECT_EQ(g.ask(chat_request()).status, 200);
    ASSERT_TRUE(g.reload(at_most(1)));
    EXPECT_EQ(test_client(g.port()).read_response().status, 503) << "and fewer again";
}

TEST(reload, without_keys_is_refused_while_a_listener_is_open_to_other_machines) {
    scripted_upstream upstream;
    const std::string key = "keys: [{name: k, sha256: " + std::string(64, 'a') + "}]\n";
    running_gateway g("listen: [{address: '0.0.0.0:0'}]\n" + key + chat_model(upstream));
    // Right by itself: it names loopback only.
    const auto refused = g->reload(settings_for_test(chat_model(upstream), ""));
    ASSERT_TRUE(refused.has_error());
    EXPECT_THAT(refused.error().detail, HasSubstr("0.0.0.0:"));
    EXPECT_EQ(g.ask(chat_request()).status, 401);
    EXPECT_EQ(g.metric("penstock_settings_generation"), 1);
    EXPECT_EQ(g.metric(R"(penstock_reloads_total{result="error"})"), 1);
    EXPECT_TRUE(g.reload(key + chat_model(upstream))) << "with keys it is taken";
}

}  // namespace
}  // namespace penstock::gateway
