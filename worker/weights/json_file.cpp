// Whole file, then Boost.JSON.
#include "worker/weights/json_file.hpp"

#include "worker/weights/file.hpp"
#include "worker/weights/parallel_read.hpp"

#include <boost/json/parse.hpp>

#include <string>

namespace penstock::worker {

result<boost::json::object> read_json_object(
    const std::filesystem::path& path, std::size_t bytes_max
) {
    const std::string name = path.filename().string();
    TRY(const input_file file, input_file::open(path));
    if (file.bytes() > bytes_max)
        return error(
            errc::invalid_value, name + ": it has more than " + std::to_string(bytes_max) + " bytes"
        );
    std::string text(file.bytes(), '\0');
    const auto bytes = std::as_writable_bytes(std::span(text));
    auto done = read_in_pieces(reads_of(file.descriptor()), 0, bytes, 1);
    if (!done) return error(errc::io_failed, name + ": " + done.error().detail);

    boost::json::error_code failed;
    boost::json::parse_options options;
    options.max_depth = json_file_depth_max;
    boost::json::value value = boost::json::parse(text, failed, {}, options);
    if (failed) return error(errc::invalid_value, name + ": it is not JSON: " + failed.message());
    if (!value.is_object()) return error(errc::invalid_value, name + ": it is no JSON object");
    return std::move(value.get_object());
}

}  // namespace penstock::worker
