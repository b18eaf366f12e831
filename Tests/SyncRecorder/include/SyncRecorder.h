#ifndef SYNC_RECORDER_H
#define SYNC_RECORDER_H

// Nothing to call: the library is put before a program's others.

#endif
