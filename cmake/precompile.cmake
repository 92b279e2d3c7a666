# Headers that are read again in every source, read once: a third of what a sanitized build costs.
# Off where people build: what is read once hides an include that is missing.
option(PENSTOCK_PRECOMPILE "common headers are read once" OFF)
if(PENSTOCK_PRECOMPILE AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # What g++ 12 wrongly says of its own std::string (its bug 105651), which it no longer knows for
    # a system's once that is precompiled. Elsewhere these warnings are on.
    add_compile_options(-Wno-array-bounds -Wno-restrict -Wno-stringop-overflow)
endif()

# A library of its own keeps a set of headers for all targets that ask for it by name.
function(penstock_precompiled_headers name)
    cmake_parse_arguments(set "" "" "HEADERS;DEPENDS" ${ARGN})
    if(PENSTOCK_PRECOMPILE)
        file(CONFIGURE OUTPUT ${name}.cpp CONTENT "// Nothing but its headers.\n")
        add_library(${name} OBJECT ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
        target_link_libraries(${name} PRIVATE ${set_DEPENDS})
        target_precompile_headers(${name} PRIVATE ${set_HEADERS})
    endif()
endfunction()

function(penstock_reads_precompiled target name)
    if(PENSTOCK_PRECOMPILE)
        target_precompile_headers(${target} REUSE_FROM ${name})
    endif()
endfunction()

set(standard_headers <algorithm> <array> <atomic> <charconv> <chrono> <cmath> <condition_variable>
    <coroutine> <cstdint> <cstring> <deque> <filesystem> <fstream> <functional> <iostream> <limits>
    <map> <memory> <mutex> <optional> <random> <set> <span> <sstream> <string> <string_view>
    <thread> <unordered_map> <variant> <vector>)
