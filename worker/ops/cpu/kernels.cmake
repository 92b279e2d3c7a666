# Their flags are not those of the common headers.
set_source_files_properties(worker/ops/cpu/kernels_portable.cpp worker/ops/cpu/sampler.cpp
                            worker/ops/cpu/heaviest.cpp worker/ops/cpu/kernels_avx2.cpp
                            worker/ops/cpu/kernels_avx512.cpp PROPERTIES
                            SKIP_PRECOMPILE_HEADERS ON)
# Kernels are optimised in every build, and only those multiply-adds are fused that the source
# names: the compiler may not choose differently for one row than for six.
set(kernel_flags -O3 -ffp-contract=off)
set_source_files_properties(worker/ops/cpu/kernels_portable.cpp worker/ops/cpu/sampler.cpp
                            worker/ops/cpu/heaviest.cpp PROPERTIES
                            COMPILE_OPTIONS "${kernel_flags}")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    set_source_files_properties(worker/ops/cpu/kernels_avx2.cpp PROPERTIES
                                COMPILE_OPTIONS "${kernel_flags};-mavx2;-mfma")
    # What g++ 12 takes for uninitialized are the lanes that its own intrinsics leave undefined.
    set(undefined_lanes $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
    # The address sanitizer of g++ before 12.4 aligns its own frames to 32 bytes and then moves 64
    # aligned ones there (its bug 110027).
    set(own_frames $<$<CXX_COMPILER_ID:GNU>:--param=asan-use-after-return=0>)
    set(avx512_flags ${kernel_flags} -mavx512f ${undefined_lanes} ${own_frames})
    set_source_files_properties(worker/ops/cpu/kernels_avx512.cpp PROPERTIES
                                COMPILE_OPTIONS "${avx512_flags}")
endif()
