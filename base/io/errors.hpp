// What the system says, in our words.
#pragma once

#include "penstock/error.hpp"

#include <boost/system/error_code.hpp>

#include <string>
#include <sys/socket.h>

namespace penstock::io {

errc code_of(boost::system::error_code failed) noexcept;

// "10.0.0.1:8000", "[::1]:8000" or "unix:/path".
std::string text_of(const sockaddr& address, socklen_t size);

}  // namespace penstock::io
