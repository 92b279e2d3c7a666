// TLS contexts (OpenSSL ≥ TLS 1.2, ALPN http/1.1), made at start-up or reload, shared by
// connections and immutable; and one connection's TLS over memory.
#pragma once

#include "penstock/result.hpp"

#include <memory>
#include <span>
#include <string>
#include <string_view>

struct ssl_ctx_st;
struct ssl_st;

namespace penstock::io {

struct tls_server_options {
    std::string certificate_file;  // PEM, leaf first, then intermediates
    std::string key_pem;         // the key itself, PEM; taken from file or environment by settings
    std::string client_ca_file;  // set: clients must present a certificate that it signed
};

struct tls_client_options {
    std::string ca_file;                    // empty: the system's
    bool verify = true;                     // certificate and host name
    std::string certificate_file, key_pem;  // client certificate, optional
};

class tls_context {
 public:
    static result<std::shared_ptr<const tls_context>> server(const tls_server_options& options);
    static result<std::shared_ptr<const tls_context>> client(const tls_client_options& options);
    ~tls_context();
    ssl_ctx_st* native() const noexcept { return context_; }
    bool verifies() const noexcept { return verifies_; }

 private:
    tls_context(ssl_ctx_st* context, bool verifies) noexcept
        : context_(context), verifies_(verifies) {}
    ssl_ctx_st* context_;
    bool verifies_;
};

// One connection's TLS, over memory: no socket in it. Pure but for OpenSSL.
class tls_session {
 public:
    enum class role : std::uint8_t { server, client };
    // `host`: SNI and the name to verify, for clients.
    tls_session(const tls_context& context, role as, const std::string& host);
    ~tls_session();
    tls_session(const tls_session&) = delete;
    tls_session& operator=(const tls_session&) = delete;

    // Ciphertext that arrived. `has_unread`: some of it has not been decrypted yet, or only a part
    // of a record is there.
    void feed(std::string_view ciphertext);
    bool has_unread() const noexcept;
    // Ciphertext to be sent; `sent` says how much of it has been.
    std::string_view pending() const noexcept;
    void sent(std::size_t bytes) noexcept;

    // True when the handshake is done, false when it needs more bytes either way.
    result<bool> handshake();
    // Plaintext into `out`: bytes read, 0 when there is none yet; end_of_stream after close_notify.
    result<std::size_t> read(std::span<char> out);
    // Encrypts all of `plaintext` into pending().
    result<void> write(std::string_view plaintext);
    void shutdown() noexcept;         // queues close_notify
    bool has_ended() const noexcept;  // the peer's close_notify was read

    std::string peer_name() const;  // subject common name of the peer's certificate; empty: none
    std::string alpn() const;

 private:
    ssl_st* session_;
    bool has_name_ = true;  // there is something to verify the peer's certificate by
};

}  // namespace penstock::io
