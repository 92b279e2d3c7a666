// Any file either is refused or has tensors that fill its data, each of the size that it claims.
#include "fuzz/property.hpp"
#include "worker/weights/safetensors_header.hpp"

#include <set>
#include <span>
#include <string>

namespace penstock::worker {
namespace {

void check(std::string_view file) {
    const auto bytes = std::as_bytes(std::span(file));
    const auto length =
        header_length(bytes.first(std::min<std::size_t>(8, file.size())), file.size());
    if (!length) {
        ALWAYS(!length.error().detail.empty());
        return;
    }
    ALWAYS(length.value() <= file.size() - header_prefix_bytes);
    const std::string_view json = file.substr(header_prefix_bytes, length.value());
    const std::uint64_t data_bytes = file.size() - header_prefix_bytes - length.value();
    const auto parsed = parse_header(json, data_bytes);
    if (!parsed) {
        ALWAYS(parsed.error().code == errc::invalid_value);
        ALWAYS(!parsed.error().detail.empty());
        return;
    }
    std::uint64_t end = 0;
    std::set<std::string> names;
    for (const stored_tensor& tensor : parsed.value()) {
        ALWAYS(names.insert(tensor.name).second);
        ALWAYS(tensor.name.size() <= tensor_name_bytes_max);
        ALWAYS(tensor.shape.size() <= tensor_dimensions_max);
        ALWAYS(tensor.begin == end);
        ALWAYS(tensor.end >= tensor.begin);
        end = tensor.end;
        if (tensor.type != "F32") continue;
        long double count = 1;
        for (const std::uint64_t size : tensor.shape)
            count *= static_cast<long double>(size);
        ALWAYS(static_cast<long double>(tensor.end - tensor.begin) == 4 * count);
    }
    ALWAYS(end == data_bytes);
}

}  // namespace
}  // namespace penstock::worker

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    penstock::worker::check({reinterpret_cast<const char*>(data), size});
    return 0;
}
