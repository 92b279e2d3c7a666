// A server on a loop of its own thread, which a raw client on the test's thread speaks to.
#pragma once

#include "penstock/http/server.hpp"
#include "support/test_client.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>

namespace penstock::test {

class running_server final : http::handler {
 public:
    using answerer = std::function<io::task<void>(http::exchange&)>;

    explicit running_server(
        answerer answers,
        http::server_options options = {},
        std::shared_ptr<const io::tls_context> tls = nullptr
    )
        : answers_(std::move(answers)), server_(loop_, *this, bodies, serving, false) {
        server_.set_options(options);
        auto opened = io::listener::open(io::parse_endpoint("127.0.0.1:0").value(), 64);
        listener_ = std::make_unique<io::listener>(std::move(opened).value());
        const std::string bound = listener_->bound().text;
        port_ = static_cast<std::uint16_t>(std::stoi(bound.substr(bound.rfind(':') + 1)));
        listener_->accept_on(loop_, [this, tls](io::channel client) {
            server_.serve(std::move(client), tls, serving.enter(1000));
        });
        thread_ = std::thread([this] { loop_.run(); });
    }
    ~running_server() override {
        on_loop([this] {
            listener_->close();
            server_.abort_all();
        });
        EXPECT_TRUE(wait_until([this] { return serving.inside() == 0; }))
            << "a connection did not end";
        loop_.stop();
        thread_.join();
    }

    std::uint16_t port() const noexcept { return port_; }
    http::server& server() noexcept { return server_; }
    io::loop& loop() noexcept { return loop_; }

    // Runs on the loop's thread, and is waited for.
    void on_loop(std::function<void()> what) {
        std::promise<void> done;
        loop_.post([&] {
            what();
            done.set_value();
        });
        done.get_future().wait();
    }

    static bool wait_until(const std::function<bool()>& holds) {
        const auto end = clock::now() + patience;
        while (!holds()) {
            if (clock::now() > end) return false;
            std::this_thread::yield();
        }
        return true;
    }

    http::body_budget bodies{64 * 1024 * 1024};
    gate serving;
    std::atomic<int> num_requests{0}, num_refused{0}, num_escaped{0};

 private:
    void escaped(const std::exception_ptr& what) noexcept override {
        if (what) ++num_escaped;
    }
    io::task<void> handle(http::exchange& x) override {
        ++num_requests;
        co_await answers_(x);
    }
    io::task<void> refuse(http::exchange& x, refusal why) override {
        ++num_refused;
        const std::string body(describe(why.code).label);
        auto told = co_await x.respond(describe(why.code).status, "", body);
        (void)told;
    }

    answerer answers_;
    io::loop loop_;
    http::server server_;
    std::unique_ptr<io::listener> listener_;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

// Answers with what was asked: method, target and body; a refused body with its label.
inline io::task<void> echo(http::exchange& x) {
    const std::string asked(x.head().target);
    auto read = co_await x.read_body();
    if (read.has_error()) {
        const auto& row = describe(read.error().code);
        auto told = co_await x.respond(row.status, "", row.label);
        (void)told;
        co_return;
    }
    const std::string body = asked + " " + std::string(x.body());
    auto sent = co_await x.respond(200, "Content-Type: text/plain\r\n", body);
    (void)sent;
}

}  // namespace penstock::test
