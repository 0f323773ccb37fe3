// expect: frys::meshing_pool: policy::frames wants a page_frame_source, see memory/page_frames.hpp
#include <frys/memory/meshing_pool.hpp>

#ifdef WRONG
frys::meshing_pool<256, frys::policy::frames<int>> p;
#else
frys::meshing_pool<256> p;
#endif
