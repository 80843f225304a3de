module example.com/flowlog

go 1.19
