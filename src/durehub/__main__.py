"""``python -m durehub``: what ``dure serve`` and ``dure audit`` run."""

from durehub.serve.commands import main

if __name__ == "__main__":
    main()
