// A certificate authority of the test's own, and what it signs, as PEM files in a folder.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

namespace penstock::test {

struct identity {
    std::string certificate_file;
    std::string key_pem;
};

class authority {
 public:
    // Writes `NAME.pem`, its own certificate, to the folder.
    authority(std::string folder, std::string name)
        : folder_(std::move(folder)), name_(std::move(name)), key_(EVP_EC_gen("P-256")) {
        certificate_.reset(X509_new());
        fill(*certificate_, name_, *key_);
        add(*certificate_, NID_basic_constraints, "critical,CA:TRUE");
        sign(*certificate_);
        write(file(), *certificate_);
    }

    std::string file() const { return folder_ + "/" + name_ + ".pem"; }

    // `names` as OpenSSL spells them: "DNS:localhost,IP:127.0.0.1". Empty: none.
    identity issue(const std::string& common_name, const std::string& names = {}) {
        const key_ptr key(EVP_EC_gen("P-256"));
        const certificate_ptr made(X509_new());
        fill(*made, common_name, *key);
        if (!names.empty()) add(*made, NID_subject_alt_name, names);
        sign(*made);
        const std::string path =
            folder_ + "/" + name_ + "-" + std::to_string(serial_) + "-leaf.pem";
        write(path, *made);
        return {path, text_of(*key)};
    }

 private:
    struct release {
        void operator()(X509* it) const { X509_free(it); }
        void operator()(EVP_PKEY* it) const { EVP_PKEY_free(it); }
        void operator()(BIO* it) const { BIO_free(it); }
        void operator()(X509_EXTENSION* it) const { X509_EXTENSION_free(it); }
    };
    using certificate_ptr = std::unique_ptr<X509, release>;
    using key_ptr = std::unique_ptr<EVP_PKEY, release>;

    void fill(X509& it, const std::string& common_name, EVP_PKEY& key) {
        X509_set_version(&it, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(&it), ++serial_);
        X509_gmtime_adj(X509_getm_notBefore(&it), -60);
        X509_gmtime_adj(X509_getm_notAfter(&it), 3600);
        X509_set_pubkey(&it, &key);
        X509_NAME_add_entry_by_txt(
            X509_get_subject_name(&it),
            "CN",
            MBSTRING_UTF8,
            reinterpret_cast<const unsigned char*>(common_name.c_str()),
            -1,
            -1,
            0
        );
    }
    void add(X509& it, int what, const std::string& value) {
        X509V3_CTX context;
        X509V3_set_ctx_nodb(&context);
        X509V3_set_ctx(&context, certificate_.get(), &it, nullptr, nullptr, 0);
        const std::unique_ptr<X509_EXTENSION, release> extension(
            X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str())
        );
        if (!extension) throw std::runtime_error("not a certificate's extension: " + value);
        X509_add_ext(&it, extension.get(), -1);
    }
    void sign(X509& it) {
        X509_set_issuer_name(&it, X509_get_subject_name(certificate_.get()));
        if (X509_sign(&it, key_.get(), EVP_sha256()) == 0) throw std::runtime_error("X509_sign");
    }
    static void write(const std::string& path, X509& it) {
        const std::unique_ptr<BIO, release> out(BIO_new_file(path.c_str(), "w"));
        if (!out || PEM_write_bio_X509(out.get(), &it) != 1) throw std::runtime_error(path);
    }
    static std::string text_of(EVP_PKEY& key) {
        const std::unique_ptr<BIO, release> out(BIO_new(BIO_s_mem()));
        PEM_write_bio_PrivateKey(out.get(), &key, nullptr, nullptr, 0, nullptr, nullptr);
        char* data = nullptr;
        const long size = BIO_get_mem_data(out.get(), &data);
        return {data, static_cast<std::size_t>(size)};
    }

    std::string folder_, name_;
    key_ptr key_;
    certificate_ptr certificate_;
    long serial_ = 0;
};

}  // namespace penstock::test
