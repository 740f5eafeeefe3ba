#!/usr/bin/env bash
# The sweep of docs/sweeps.md and its pictures: 24 small runs on a CPU, with images from a folder {train,test}/<class>/.
# docs/sweep.sh IMAGES RUNS; it starts no run that is there.
set -euo pipefail
images=$1 runs=$2 docs=$(dirname "$0")
for rate in 0.025 0.1 0.4 1.6; do
    for schedule in constant cosine; do
        for seed in 0 1 2; do
            run=$runs/$schedule-$rate-$seed
            [ -e "$run" ] && continue
            cifar-tui train --headless --preset minutes --data "$images" --train-images 2000 --test-images 1000 \
                --width 8 --device cpu --lr "$rate" --schedule "$schedule" --seed "$seed" --outf "$run"
        done
    done
done
cifar-tui results "$runs" --svg "$docs/sweep.svg" --force
python "$docs/screenshot.py" "$runs/cosine-0.1-0" --svg "$docs/sweep-screen.svg" --view results
