/*
 * base/sanitizer.h - is this a build under AddressSanitizer?
 *
 * Only the chunk pool (which hides spare chunks from stray pointers) and the
 * jail's filter (which must let the sanitizer's own system calls pass) may ask.
 */
#ifndef BASE_SANITIZER_H
#define BASE_SANITIZER_H

#if defined(__SANITIZE_ADDRESS__) /* gcc */
#define WITH_ADDRESS_SANITIZER 1
#elif defined(__has_feature) /* clang */
#if __has_feature(address_sanitizer)
#define WITH_ADDRESS_SANITIZER 1
#endif
#endif

#ifndef WITH_ADDRESS_SANITIZER
#define WITH_ADDRESS_SANITIZER 0
#endif

#endif
