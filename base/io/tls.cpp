// TLS over memory BIOs, so that the channel moves the bytes and OpenSSL never sees a socket.
#include "penstock/io/tls.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>

namespace penstock::io {
namespace {

std::string last_error() {
    char text[256] = "unknown";
    if (const auto code = ERR_get_error()) ERR_error_string_n(code, text, sizeof text);
    ERR_clear_error();
    return text;
}

error tls_error(std::string what) {
    return {errc::tls_failed, std::move(what) + ": " + last_error()};
}

std::string alpn_wire(std::initializer_list<std::string_view> names) {
    std::string wire;
    for (const auto& name : names) {
        wire.push_back(static_cast<char>(name.size()));
        wire += name;
    }
    return wire;
}

int choose_alpn(
    SSL* /*session*/,
    const unsigned char** out,
    unsigned char* out_size,
    const unsigned char* offered,
    unsigned offered_size,
    void* /*unused*/
) {
    static constexpr unsigned char ours[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    unsigned char* chosen = nullptr;
    const int said =
        SSL_select_next_proto(&chosen, out_size, ours, sizeof ours, offered, offered_size);
    if (said != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

result<void> use_certificate(
    SSL_CTX* context, const std::string& file, const std::string& key_pem
) {
    if (SSL_CTX_use_certificate_chain_file(context, file.c_str()) != 1)
        return tls_error("certificate " + file);
    BIO* bio = BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size()));
    EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    if (key == nullptr) return tls_error("private key of " + file);
    const bool fits = SSL_CTX_use_PrivateKey(context, key) == 1;
    EVP_PKEY_free(key);
    if (!fits || SSL_CTX_check_private_key(context) != 1)
        return tls_error("private key does not belong to " + file);
    return success();
}

}  // namespace

tls_context::~tls_context() {
    SSL_CTX_free(context_);
}

result<std::shared_ptr<const tls_context>> tls_context::server(const tls_server_options& options) {
    std::shared_ptr<tls_context> made(new tls_context(SSL_CTX_new(TLS_server_method()), true));
    SSL_CTX* context = made->context_;
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(context, choose_alpn, nullptr);
    CHECK(use_certificate(context, options.certificate_file, options.key_pem));
    if (!options.client_ca_file.empty()) {
        if (SSL_CTX_load_verify_locations(context, options.client_ca_file.c_str(), nullptr) != 1)
            return tls_error("client CA " + options.client_ca_file);
        SSL_CTX_set_client_CA_list(
            context, SSL_load_client_CA_file(options.client_ca_file.c_str())
        );
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
        // A session must not outlive the check of its certificate. TLS 1.2 has tickets of its own.
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
        SSL_CTX_set_num_tickets(context, 0);
    }
    return std::shared_ptr<const tls_context>(std::move(made));
}

result<std::shared_ptr<const tls_context>> tls_context::client(const tls_client_options& options) {
    std::shared_ptr<tls_context> made(
        new tls_context(SSL_CTX_new(TLS_client_method()), options.verify)
    );
    SSL_CTX* context = made->context_;
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    const std::string alpn = alpn_wire({"http/1.1"});
    SSL_CTX_set_alpn_protos(
        context,
        reinterpret_cast<const unsigned char*>(alpn.data()),
        static_cast<unsigned>(alpn.size())
    );
    if (options.verify) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
        const bool loaded =
            options.ca_file.empty()
                ? SSL_CTX_set_default_verify_paths(context) == 1
                : SSL_CTX_load_verify_locations(context, options.ca_file.c_str(), nullptr) == 1;
        if (!loaded) return tls_error("CA " + options.ca_file);
    }
    if (!options.certificate_file.empty()) {
        CHECK(use_certificate(context, options.certificate_file, options.key_pem));
    }
    return std::shared_ptr<const tls_context>(std::move(made));
}

// ── session ─────────────────────────────────────────────────────────────────────────────────────

tls_session::tls_session(const tls_context& context, role as, const std::string& host)
    : session_(SSL_new(context.native())) {
    SSL_set_bio(session_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    if (as == role::server) {
        SSL_set_accept_state(session_);
        return;
    }
    SSL_set_connect_state(session_);
    const bool is_address = host.find_first_not_of("0123456789.") == std::string::npos ||
                            host.find(':') != std::string::npos;
    if (!is_address) SSL_set_tlsext_host_name(session_, host.c_str());
    if (!context.verifies()) return;
    SSL_set_hostflags(session_, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    has_name_ = is_address
                    ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session_), host.c_str()) == 1
                    : SSL_set1_host(session_, host.c_str()) == 1;
}

tls_session::~tls_session() {
    SSL_free(session_);
}

void tls_session::feed(std::string_view ciphertext) {
    BIO_write(SSL_get_rbio(session_), ciphertext.data(), static_cast<int>(ciphertext.size()));
}

bool tls_session::has_unread() const noexcept {
    return SSL_has_pending(session_) == 1 || BIO_pending(SSL_get_rbio(session_)) > 0;
}

bool tls_session::has_ended() const noexcept {
    return (SSL_get_shutdown(session_) & SSL_RECEIVED_SHUTDOWN) != 0;
}

std::string_view tls_session::pending() const noexcept {
    char* data = nullptr;
    const long size = BIO_get_mem_data(SSL_get_wbio(session_), &data);
    return {data, static_cast<std::size_t>(std::max(size, 0L))};
}

void tls_session::sent(std::size_t bytes) noexcept {
    char waste[4096];
    while (bytes > 0) {
        const auto step = std::min(bytes, sizeof waste);
        const int read = BIO_read(SSL_get_wbio(session_), waste, static_cast<int>(step));
        if (read <= 0) return;
        bytes -= static_cast<std::size_t>(read);
    }
}

result<bool> tls_session::handshake() {
    // Without a name OpenSSL would take any certificate that the CA signed.
    if (!has_name_) return error(errc::tls_failed, "neither a name nor an address to verify");
    ERR_clear_error();
    const int said = SSL_do_handshake(session_);
    if (said == 1) return true;
    const int why = SSL_get_error(session_, said);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return false;
    return tls_error("handshake");
}

result<std::size_t> tls_session::read(std::span<char> out) {
    ERR_clear_error();
    std::size_t size = 0;
    if (SSL_read_ex(session_, out.data(), out.size(), &size) == 1) return size;
    const int why = SSL_get_error(session_, 0);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return std::size_t{0};
    if (why == SSL_ERROR_ZERO_RETURN) return error(errc::end_of_stream);
    return tls_error("read");
}

result<void> tls_session::write(std::string_view plaintext) {
    if (plaintext.empty()) return success();
    ERR_clear_error();
    std::size_t size = 0;
    if (SSL_write_ex(session_, plaintext.data(), plaintext.size(), &size) == 1) return success();
    return tls_error("write");
}

void tls_session::shutdown() noexcept {
    if (SSL_is_init_finished(session_)) SSL_shutdown(session_);
    ERR_clear_error();
}

std::string tls_session::peer_name() const {
    X509* certificate = SSL_get1_peer_certificate(session_);
    if (certificate == nullptr) return {};
    char name[256] = "";
    X509_NAME_get_text_by_NID(
        X509_get_subject_name(certificate), NID_commonName, name, sizeof name
    );
    X509_free(certificate);
    return name;
}

std::string tls_session::alpn() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(session_, &name, &size);
    return {reinterpret_cast<const char*>(name), size};
}

}  // namespace penstock::io
