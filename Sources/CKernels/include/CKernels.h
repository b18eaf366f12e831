#ifndef WAVETAG_CKERNELS_H
#define WAVETAG_CKERNELS_H
int wavetag_kernels_placeholder(void);
#endif
