// expect: frys::flat_index: the first argument wants a metric such as metrics::cosine, see search/metric.hpp
#include <frys/search/flat_index.hpp>

#ifdef WRONG
frys::flat_index<int> bad(3);
#else
frys::flat_index<frys::metrics::cosine> good(3);
#endif
