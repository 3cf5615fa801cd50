# SPDX-License-Identifier: MIT
# What a process had while it was soaked: one picture, the time from left to right. gnuplot -e "data=...; picture=..."
set datafile separator ','
set terminal svg size 900,1000 font 'sans,11' background 'white'
set output picture
set multiplot layout 4,1 margins 0.1,0.9,0.06,0.96 spacing 0.07
set grid
set key inside left top
set format y '%.1s%c'
set yrange [0:*]
set title 'calls: all that were accepted, and what became of them'
plot data using 1:2 skip 1 with lines title 'accepted', '' using 1:3 skip 1 with lines title 'run', \
     '' using 1:4 skip 1 with lines title 'cancelled', '' using 1:($5+$6) skip 1 with lines title 'stopped or expired'
set format y '%.0f'
set title 'memory, KiB'
plot data using 1:8 skip 1 with lines title 'resident', '' using 1:9 skip 1 with lines title 'in use, as malloc counts it'
set title 'descriptors and threads'
plot data using 1:10 skip 1 with steps title 'descriptors', '' using 1:11 skip 1 with steps title 'threads'
set format y '%.1s%c'
set title 'log lines'
set xlabel 'seconds'
plot data using 1:12 skip 1 with lines title 'written', '' using 1:13 skip 1 with lines title 'dropped', \
     '' using 1:14 skip 1 with lines title 'abandoned'
