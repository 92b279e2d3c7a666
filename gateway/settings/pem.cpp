// Reads PEM with OpenSSL; what it says goes no further than the fault's text.
#include "gateway/settings/pem.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

namespace penstock::settings {

namespace {

template <auto Free>
struct freed_by {
    template <class T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};
using bio_ptr = std::unique_ptr<BIO, freed_by<BIO_free_all>>;
using x509_ptr = std::unique_ptr<X509, freed_by<X509_free>>;
using pkey_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;

// Without it OpenSSL asks for a passphrase on the terminal.
int no_passphrase(char*, int, int, void*) {
    return -1;
}

x509_ptr read_certificate(const std::string& file) {
    const bio_ptr in(BIO_new_file(file.c_str(), "r"));
    x509_ptr found(in ? PEM_read_bio_X509(in.get(), nullptr, no_passphrase, nullptr) : nullptr);
    ERR_clear_error();
    return found;
}

pkey_ptr read_key(const std::string& pem) {
    const bio_ptr in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    pkey_ptr found(PEM_read_bio_PrivateKey(in.get(), nullptr, no_passphrase, nullptr));
    ERR_clear_error();
    return found;
}

}  // namespace

std::string certificate_fault(const std::string& file) {
    const bio_ptr in(BIO_new_file(file.c_str(), "r"));
    ERR_clear_error();
    if (!in) return "cannot be read: " + file;
    return read_certificate(file) ? "" : "must be a file with a PEM certificate: " + file;
}

std::string private_key_fault(const std::string& pem) {
    if (read_key(pem)) return "";
    if (pem.find("ENCRYPTED") != std::string::npos)
        return "must not be encrypted: nobody is there to type a passphrase";
    return "must be the text of a PEM key; {file: PATH} takes it from a file";
}

std::string pair_fault(const std::string& certificate_file, const std::string& key_pem) {
    const x509_ptr certificate = read_certificate(certificate_file);
    const pkey_ptr key = read_key(key_pem);
    const bool fits =
        !certificate || !key || X509_check_private_key(certificate.get(), key.get()) == 1;
    ERR_clear_error();
    return fits ? "" : "must be the key of the certificate";
}

}  // namespace penstock::settings
